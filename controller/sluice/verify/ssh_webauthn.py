"""What a browser signs for a website, in place of the bytes it was given.

A browser wraps them into *client data*: a JSON text with the bytes as its challenge and the website
as its origin, of which the authenticator signs the digest. The beginning of that text has one form
(`limited verification`), and the rest is strict JSON here, so that nothing after the beginning can
take it back.

Sources: OpenSSH's PROTOCOL.u2f, "webauthn signatures"; W3C WebAuthn Level 2, sections 5.8.1, 6.1.
"""

import base64
from typing import Final

from sluice.errors import VerificationError
from sluice.verify.json_strict import parse
from sluice.verify.reasons import clean_text, refusal

__all__ = ["CLIENT_DATA_BYTES_MAX", "ORIGIN_CHARS_MAX", "check_client_data", "check_extensions"]

ORIGIN_CHARS_MAX: Final = 300
"""Longest origin: a scheme, a domain name of 253 characters and a port."""

CLIENT_DATA_BYTES_MAX: Final = 4096
"""Largest client data; browsers write about 400 bytes, a third of it the challenge."""

_ATTESTED_DATA: Final = 0x40
_EXTENSION_DATA: Final = 0x80


def check_client_data(client_data: bytes, *, challenge: bytes, origin: str) -> None:
    """Refuse client data that were not made for this challenge on this website.

    Args:
        client_data: the JSON text, as the browser wrote it.
        challenge: the bytes that the website asked to have signed.
        origin: the website, as the signature names it.

    Raises:
        VerificationError: SshClientDataOther.
    """
    clean_text(
        origin,
        what="origin of the browser's signature",
        chars_max=ORIGIN_CHARS_MAX,
        reason="SshClientDataOther",
    )
    encoded = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    start = f'{{"type":"webauthn.get","challenge":"{encoded}","origin":"{origin}"'
    if not client_data.startswith(start.encode()):
        raise _other("is not about this text, or not from the origin that it names")
    value = parse(
        client_data,
        what="client data of the browser",
        reason="SshClientDataOther",
        bytes_max=CLIENT_DATA_BYTES_MAX,
    )
    # It is an object, because of how it starts. Quotes and backslashes in the named origin read
    # otherwise than they look.
    if value.get("origin") != origin:
        raise _other("is not from the origin that it names")
    # Inside a page of another website a person may not see what they approve.
    if value.get("crossOrigin", False) is not False:
        raise _other("was made inside a page of another website")


def check_extensions(flags: int, extensions: bytes) -> None:
    """Refuse flags that say other than what is there: they are how the signed bytes are read.

    Raises:
        VerificationError: SshClientDataOther.
    """
    if flags & _ATTESTED_DATA or bool(flags & _EXTENSION_DATA) != bool(extensions):
        raise _other("has flags that contradict its extensions")


def _other(why: str) -> VerificationError:
    return refusal(
        "SshClientDataOther", f"The browser's signature {why}; sign again on the approval page."
    )
