"""Which arm a phone is in: a pure function of the rollout's salt and the device id.

Sticky, because nothing else enters; nested, because a larger share holds every smaller one; the
same on every replica, because nothing is stored; and not for the phone to choose, because the salt
is secret.
"""

import hashlib
from typing import Final

__all__ = ["in_share", "position"]

_BITS: Final = 64
_BASIS_POINTS: Final = 10_000


def position(salt: str, device_id: str) -> int:
    """Return the device's lot in this rollout, uniform over 64 bits.

    Args:
        salt: the rollout's secret; another salt draws anew.
        device_id: in lower case.
    """
    drawn = hashlib.sha256(f"{salt}\0{device_id}".encode()).digest()
    return int.from_bytes(drawn[: _BITS // 8])


def in_share(position: int, share_bp: int) -> bool:
    """Return whether a lot is within the share of `share_bp` basis points.

    Monotone: who is in a share is in every larger one. 0 holds nobody, 10,000 everybody.
    """
    return position * _BASIS_POINTS < share_bp << _BITS
