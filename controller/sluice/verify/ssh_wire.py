"""The layer of bytes under SSH signatures: the armor, and SSH's strings and numbers.

Each value has one spelling here: what a lenient reader would take in two forms is refused, so that
what was read is what would be written again.

Sources: OpenSSH's PROTOCOL.sshsig (armor), RFC 4251 section 5 (data types).
"""

import base64
import binascii
import re
from typing import Final

from sluice.errors import VerificationError
from sluice.verify.reasons import refusal

__all__ = ["ARMOR_BYTES_MAX", "MPINT_BYTES_MAX", "Reader", "dearmor", "string", "unreadable"]

ARMOR_BYTES_MAX: Final = 16 * 1024
"""Largest armored signature; one by an RSA key of 8192 bits has 3 KB, of a browser 2 KB."""

MPINT_BYTES_MAX: Final = 8192 // 8 + 1
"""Largest number; the modulus of the largest RSA key, with the byte that says it is positive."""

_ARMOR: Final = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n"
    rb"((?:[A-Za-z0-9+/=]+\n)+)"
    rb"-----END SSH SIGNATURE-----\n?"
)


def unreadable(why: str) -> VerificationError:
    """Return the refusal of a signature that is not spelled right; `why` completes its sentence."""
    return refusal(
        "SshSignatureUnreadable",
        f"The SSH signature {why}; sign again with ssh-keygen -Y sign and copy all of its output.",
    )


def dearmor(armored: bytes) -> bytes:
    r"""Return the bytes inside an armored signature.

    Lines end with `\n`, may have any length, and hold base64 alone.

    Raises:
        VerificationError: SshSignatureUnreadable.
    """
    if len(armored) > ARMOR_BYTES_MAX:
        raise unreadable(f"is larger than {ARMOR_BYTES_MAX} bytes")
    found = _ARMOR.fullmatch(armored)
    if found is None:
        raise unreadable("is not one BEGIN line, lines of base64 and one END line")
    text = found[1].replace(b"\n", b"")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise unreadable("is not base64") from error
    # The last character has bits that no byte takes: another spelling of the same signature.
    if base64.b64encode(data) != text:
        raise unreadable("is base64 with stray bits")
    return data


def string(data: bytes) -> bytes:
    """Return bytes as an SSH string: with their length before them."""
    return len(data).to_bytes(4, "big") + data


class Reader:
    """Reads SSH's data types one after the other; each method raises SshSignatureUnreadable."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise unreadable("is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def uint32(self) -> int:
        """Return the next number of 32 bits."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next string's bytes."""
        return self.take(self.uint32())

    def text(self) -> str:
        """Return the next string as text: a name in printable ASCII."""
        data = self.string()
        if not data.isascii() or not (text := data.decode("ascii")).isprintable():
            raise unreadable("holds a name with other than printable ASCII characters")
        return text

    def mpint(self) -> int:
        """Return the next number of any size; it is positive, and has no leading zeros."""
        data = self.string()
        if len(data) > MPINT_BYTES_MAX:
            raise unreadable("holds a number that is too large")
        if not data or data[0] & 0x80:
            raise unreadable("holds a number that is not positive")
        if data[0] == 0 and not (len(data) > 1 and data[1] & 0x80):
            raise unreadable("holds a number with leading zeros")
        return int.from_bytes(data, "big")

    def end(self) -> None:
        """Refuse whatever is left."""
        if self._at != len(self._data):
            raise unreadable("has bytes that nothing asks for")
