"""The draw of lots for many phones at once: what `sluice.serving.arm` says of each."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sluice.resources.fields import BASIS_POINTS
from sluice.serving.arm import position

__all__ = ["are_in_share", "positions"]

BITS = 64


def positions(salt: str, device_ids: Iterable[str]) -> NDArray[np.uint64]:
    """Return each device's lot in a rollout, uniform over 64 bits."""
    return np.fromiter((position(salt, each) for each in device_ids), dtype=np.uint64)


def are_in_share(lots: NDArray[np.uint64], share_bp: int) -> NDArray[np.bool_]:
    """Return whether each lot is within the share of `share_bp` basis points."""
    if share_bp >= BASIS_POINTS:
        return np.ones(len(lots), dtype=np.bool_)
    # lot * 10,000 < share * 2^64 in whole numbers, without leaving 64 bits.
    limit = -((-share_bp << BITS) // BASIS_POINTS)
    return lots < np.uint64(limit)
