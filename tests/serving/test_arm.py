import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.serving.arm import in_share, position

DEVICE_IDS = st.uuids(version=4).map(str)
SALTS = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)
SHARES = st.integers(0, 10_000)
PHONES = 5_000


def phones(seed: int) -> list[str]:
    return [str(uuid.UUID(int=(seed << 64) + number)) for number in range(PHONES)]


def share_of(salt: str, device_ids: list[str], share_bp: int) -> float:
    drawn = [each for each in device_ids if in_share(position(salt, each), share_bp)]
    return len(drawn) / len(device_ids)


@given(SALTS, DEVICE_IDS, SHARES)
def test_invariant_an_arm_is_a_pure_function_of_salt_and_device(salt, device_id, share_bp):
    """Sticky: whoever computes it, and however often, the answer is the same."""
    first = in_share(position(salt, device_id), share_bp)

    assert [first] * 3 == [in_share(position(salt, device_id), share_bp) for _ in range(3)]


def test_invariant_an_arm_is_a_pure_function_that_never_changes():
    """Recorded values: a release of Sluice that drew anew would move phones in mid-rollout."""
    drawn = position("pepper", "44f128a5-ac7a-4c9a-be4c-224b6bf81b20")

    assert drawn == 7759155846450671447


@given(SALTS, DEVICE_IDS, SHARES, SHARES)
def test_a_larger_share_holds_every_smaller_one(salt, device_id, one, other):
    smaller, larger = sorted((one, other))
    place = position(salt, device_id)

    assert in_share(place, larger) or not in_share(place, smaller)


@given(SALTS, DEVICE_IDS)
def test_nobody_is_in_no_share_and_everybody_in_the_whole(salt, device_id):
    place = position(salt, device_id)

    assert (in_share(place, 0), in_share(place, 10_000)) == (False, True)


def test_the_extremes_of_the_lot_are_where_the_shares_end():
    assert in_share(0, 1)
    assert not in_share(0, 0)
    assert in_share(2**64 - 1, 10_000)
    assert not in_share(2**64 - 1, 9_999)


@settings(max_examples=40)
@given(st.integers(0, 1000), st.sampled_from([100, 1_000, 5_000, 9_000]))
def test_a_share_holds_that_part_of_the_phones(seed, share_bp):
    """Five standard deviations of 5,000 draws: once in two million healthy runs."""
    expected = share_bp / 10_000
    deviation = (expected * (1 - expected) / PHONES) ** 0.5

    assert abs(share_of(f"salt{seed}", phones(0), share_bp) - expected) < 5 * deviation


@settings(max_examples=40)
@given(st.integers(0, 1000))
def test_another_salt_draws_anew(seed):
    """Phones of one rollout's first tenth are no likelier to be in the next one's."""
    tenth = [each for each in phones(1) if in_share(position(f"one{seed}", each), 1_000)]
    deviation = (0.1 * 0.9 / len(tenth)) ** 0.5

    assert abs(share_of(f"two{seed}", tenth, 1_000) - 0.1) < 5 * deviation
