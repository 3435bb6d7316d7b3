"""Which addresses are on the open internet, and which hosts are addresses.

Whoever writes a Release names a URL that the operator fetches from inside of the cluster. So what
counts is not what a host is called but where it leads.
"""

import ipaddress
import re
from typing import Final

__all__ = ["HostUnclear", "is_public", "literal_address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address, which a gateway of the network speaks to."""

GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out to be reached by everybody (RFC 4291, 2.4)."""

NOT_THE_INTERNET: Final = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocols of a provider's own network, RFC 6890
    ipaddress.IPv4Network("192.88.99.0/24"),  # gateways to 6to4, RFC 7526
    ipaddress.IPv6Network("3fff::/20"),  # documentation, RFC 9637; Python 3.11 calls it global
)

ENDS_IN_NUMBER: Final = re.compile(r"(^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)\.?$")
"""What a browser reads as an IPv4 address (WHATWG URL, "ends in a number checker")."""


class HostUnclear(ValueError):  # noqa: N818 - it says what is wrong with the host
    """A host that is an address to some readers and a name to others."""


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as, or None when it is a name.

    Raises:
        HostUnclear: for `127.1`, `2130706433`, `0x7f.1`, `fe80::1%eth0` and the like.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        if ENDS_IN_NUMBER.search(host) or ":" in host:
            raise HostUnclear(host) from error
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise HostUnclear(host)
    return address


def is_public(address: Address) -> bool:
    """Return whether an address, and the one that it stands for, is on the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = _inside(address)
        if inside is not None:
            return is_public(inside)
        if address not in GLOBAL_UNICAST:
            return False
    elsewhere = address.is_multicast or address.is_reserved
    elsewhere |= any(address in network for network in NOT_THE_INTERNET)
    return address.is_global and not elsewhere


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
