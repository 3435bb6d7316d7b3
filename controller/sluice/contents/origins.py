"""Which network origins a bundle names.

An address counts where code could use it: right after a quote, in `url(`, or in an attribute. An
address in running text (an error that says "see https://...") or in a comment does not count, nor
do names that only look like addresses (XML namespaces) and the documentation of frameworks, which
is in the error messages of every build.

An origin that code puts together from pieces is not seen.
"""

import re
from typing import Final
from urllib.parse import unquote

from sluice.contents.gathered import File, Gathered
from sluice.contents.patterns import compiled

__all__ = ["ORIGIN_PATTERNS", "is_elsewhere", "look_for_origins", "origin_of", "shown_address"]

HOST_CHARS_MAX: Final = 253
"""Longest host name there is."""

AUTHORITY_BYTES_MAX: Final = 1024
"""Bytes of a login, host and port that are read."""

_ADDRESS: Final = compiled(
    r"""(?i)(?:["'`]|&quot;|&#34;|url\(|(?:src|href|action|url)\s*=)\s*"""
    r"""(https?|wss?):[\\/]{2,8}((?:\$\{[^{}"'`]*\}|[^\s"'`<>(){}\\/?#|^;,&])+)([^\s"'`<>]*)""",
    *(b"://", b":\\/", b":/\\", b":\\\\"),
)
"""Groups: scheme, authority (with `${...}` in a template), and what follows."""

_WITHOUT_SCHEME: Final = compiled(
    r"""(?:["'`]|url\(|=)\s*//((?:[a-zA-Z0-9-]{1,63}\.){1,10}[a-zA-Z]{2,24}(?::\d{1,5})?)"""
    r"""["'`/?)>\s]""",
    b"//",
)
"""`//host/...` takes the page's own scheme."""

ORIGIN_PATTERNS: Final = (_ADDRESS, _WITHOUT_SCHEME)

_ELSEWHERE: Final = re.compile(r"\s*(?:https?:[\\/]*|[\\/]{2,})([^\\/?#]*)", re.IGNORECASE)
"""An address with a host, which is the group."""

_TEMPLATE: Final = re.compile(r"\$\{[^{}]*\}")
_LABELS: Final = re.compile(r"[a-z0-9_*-]{1,63}(?:\.[a-z0-9_*-]{1,63}){0,30}")
_IPV6: Final = re.compile(r"\[[0-9a-f:.]{2,45}\]")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]{1,8}|[0-9]{1,10})")
_DEFAULT_PORTS: Final = {"http": "80", "ws": "80", "https": "443", "wss": "443"}

NO_ORIGINS: Final = frozenset(
    {
        # XML namespaces and schemas: names, never fetched.
        "www.w3.org", "ns.adobe.com", "purl.org", "xmlns.com", "schema.org", "json-schema.org",
        "schemas.microsoft.com", "schemas.openxmlformats.org", "schemas.android.com",
        "schemas.xmlsoap.org", "www.sitemaps.org", "www.inkscape.org",
        "sodipodi.sourceforge.net", "creativecommons.org", "www.opengis.net",
        # Reserved for examples, and nobody's.
        "example.com", "example.org", "example.net",
        # What the error messages of frameworks link to.
        "react.dev", "reactjs.org", "fb.me", "angular.dev", "angular.io", "v3.vuejs.org",
        "vuejs.org", "nextjs.org", "svelte.dev", "reactrouter.com", "redux.js.org", "mui.com",
        "ionicframework.com", "capacitorjs.com", "feross.org", "momentjs.com", "lodash.com",
        "getbootstrap.com", "bugs.jquery.com", "mths.be", "tc39.es", "developer.mozilla.org",
    }
)  # fmt: skip
"""Hosts that no app loads anything from, though many bundles name them."""


def look_for_origins(file: File, gathered: Gathered) -> None:
    """Tell which origins a file names."""
    for hit in gathered.hits(_ADDRESS, file):
        rest = hit.group(3).partition(b"?")[0].lower()
        if rest.endswith((b"/license", b"/license.md", b"/license.txt")):
            continue
        # "https://s3." + region, "https://s3.{region}": the rest is only known at run time.
        is_open = hit.group(2).endswith(b".") and not rest.startswith((b"/", b"\\"))
        open_end = b"*" if is_open else b""
        origin = origin_of(hit.group(1), hit.group(2) + open_end)
        if origin is not None:
            gathered.add_origin(origin)
    for hit in gathered.hits(_WITHOUT_SCHEME, file):
        origin = origin_of(b"https", hit.group(1))
        if origin is not None:
            gathered.add_origin(origin)


def origin_of(scheme: bytes, authority: bytes) -> str | None:
    """Return `scheme://host` or `scheme://host:port`, as a browser would read it.

    Returns None if it is no origin that code could fetch from: nothing but a template, a namespace,
    a name without a dot. Such a name with a port is somebody's test server; without one,
    `localhost` is where Capacitor serves the bundle itself.
    """
    text = _TEMPLATE.sub("*", authority[:AUTHORITY_BYTES_MAX].decode("utf-8", "replace"))
    # All before the last @ is a login: `https://good.example@evil.example` goes to evil.example.
    host, port = _host_and_port(unquote(text).rpartition("@")[2].lower())
    host = _ascii(host.removesuffix("."))
    name = scheme.decode("ascii").lower()
    if host in NO_ORIGINS or not _is_host(host, has_port=bool(port)):
        return None
    shown = f":{port}" if port and port != _DEFAULT_PORTS[name] else ""
    return f"{name}://{host}{shown}"


def is_elsewhere(address: str) -> bool:
    """Return whether a page or script that loads this address leaves the bundle."""
    # Browsers drop tabs and line ends anywhere in an address.
    found = _ELSEWHERE.match(re.sub(r"[\t\n\r]", "", address))
    return found is not None and found[1].rpartition("@")[2].lower() not in {"localhost", ""}


def shown_address(address: bytes) -> str:
    """Return an address for people, without its query, which can hold anything."""
    return re.split(r"[?#]", address.decode("utf-8", "replace"), maxsplit=1)[0]


def _host_and_port(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    if _PORT.fullmatch(port) and host:
        return host, port.lstrip("0") or "0"
    if host and not port:
        return host, ""
    return text, ""


def _ascii(host: str) -> str:
    """Return a host in its ASCII form, so that a letter that looks like another one shows."""
    if host.isascii() or len(host) > HOST_CHARS_MAX:
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ".".join(_ascii_label(label) for label in host.split("."))


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    return "xn--" + label.encode("punycode", "replace").decode("ascii").lower()


def _is_host(host: str, *, has_port: bool) -> bool:
    if len(host) > HOST_CHARS_MAX:
        return False
    if _IPV6.fullmatch(host):
        return True
    if not _LABELS.fullmatch(host) or not host.strip("*.-_"):
        return False
    last = host.rpartition(".")[2]
    # 2130706433 and 127.1 are addresses to a browser.
    if _NUMBER.fullmatch(last):
        return True
    return has_port or ("." in host and (len(last) > 1 or last == "*"))
