"""The vectorised draw of lots says what each phone is told."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sluice.serving.arm import in_share, position
from sluice.simulation.lots import are_in_share, positions

LOTS = st.integers(0, 2**64 - 1)


@given(st.text(max_size=8), st.lists(st.text(max_size=12), max_size=20), st.integers(0, 10_000))
def test_every_phone_is_on_the_side_that_it_is_told(
    salt: str, device_ids: list[str], share_bp: int
) -> None:
    expected = [in_share(position(salt, each), share_bp) for each in device_ids]

    assert are_in_share(positions(salt, device_ids), share_bp).tolist() == expected


@given(st.lists(LOTS), st.integers(0, 10_000))
def test_lots_at_the_border_are_on_the_same_side(lots: list[int], share_bp: int) -> None:
    border = (share_bp << 64) // 10_000
    near = [lot for lot in range(border - 2, border + 3) if 0 <= lot < 2**64]

    drawn = are_in_share(np.array(lots + near, dtype=np.uint64), share_bp)

    assert drawn.tolist() == [in_share(lot, share_bp) for lot in lots + near]
