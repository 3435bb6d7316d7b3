"""Where a URL leads: read strictly, so that no two readers can understand it differently."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from typing_extensions import override
from yarl import URL

from sluice.errors import Refused
from sluice.fetch.addresses import HostUnclear, literal_address

__all__ = ["CLEAR_TEXT", "Place", "parse_place"]

URL_CHARACTERS_MAX: Final = 4096
"""Longest URL, of a redirect too; a presigned one has about 1,000."""

CLEAR_TEXT: Final = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
"""What RFC 3986 lets into a URL. Above all no backslash, no white space and no control character:
readers differ on `http://good\\@evil` and on a tab or a line feed inside a host."""

NOT_YET: Final = ("oci", "s3")

Scheme = Literal["https", "http", "file"]

SCHEMES: Final[tuple[Scheme, ...]] = get_args(Scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a URL leads."""

    scheme: Scheme
    host: str
    """In lower case; empty for files."""
    port: int
    url: URL

    @override
    def __str__(self) -> str:
        """Return enough to know where it is, and nothing that may be a secret."""
        return f"{self.scheme}://{self.host or '...'}"

    def is_one_of(self, hosts: frozenset[str]) -> bool:
        """Return whether its host, with or without the port, is named."""
        return not hosts.isdisjoint({self.host, f"{self.host}:{self.port}"})


def parse_place(text: str) -> Place:
    """Return where a URL leads.

    Raises:
        Refused: `FetchUrlInvalid`, `FetchSchemeNotAllowed` or `FetchAddressNotAllowed`.
    """
    if not CLEAR_TEXT.fullmatch(text) or len(text) > URL_CHARACTERS_MAX:
        raise _invalid("it holds characters that no URL has; write them as %-escapes")
    try:
        url = URL(text, encoded=True)
        host, port = url.host or "", url.port or 0
        scheme = next((each for each in SCHEMES if each == url.scheme), None)
        other = urlsplit(text)
        credentials = url.user is not None or url.password is not None or "@" in other.netloc
        differs = (url.scheme, host.lower()) != (other.scheme, other.hostname or "")
    except ValueError as error:
        raise _invalid("it can't be read") from error
    if scheme is None:
        raise _scheme(url.scheme)
    if credentials:
        raise _invalid("it holds a user name or a password; nothing secret belongs there")
    if differs or (not host and scheme != "file"):
        raise _invalid("it is not clear which host it names")
    _expect_clear(host)
    return Place(scheme=scheme, host=host.lower(), port=port, url=url.with_fragment(None))


def _expect_clear(host: str) -> None:
    try:
        literal_address(host)
    except HostUnclear as error:
        raise Refused(
            "FetchAddressNotAllowed",
            "The host is a number, and readers differ on which: write a name, or a full address.",
        ) from error


def _invalid(why: str) -> Refused:
    return Refused("FetchUrlInvalid", f"The URL is refused: {why}.")


def _scheme(scheme: str) -> Refused:
    if scheme in NOT_YET:
        message = f"{scheme}:// is not accepted yet: give an https:// URL."
    else:
        message = "Only https:// is fetched (http:// and file:// where the operator's settings say)"
    return Refused("FetchSchemeNotAllowed", message)
