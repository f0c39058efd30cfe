"""Special-purpose addresses: the ranges of the IANA registries, and IPv4 addresses embedded in IPv6.

The invariant: an IPv6 address that stands for an IPv4 address is judged as that address, whatever the
embedding.
"""

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_BITS: Final = 0xFFFFFFFF
_COMPATIBLE: Final = IPv6Network("::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
# RFC 6052 section 2.2: an address behind a prefix of this many bits, around the empty bits 64 to 71.
_RFC6052_PREFIXES: Final = (48, 56, 64)
# In an address of `64:ff9b:1::/96`, the bits read for shorter prefixes give this network: no host.
_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")
# RFC 5214 section 6.1: the bits before the IPv4 address in the lower half of an ISATAP address.
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})


@cache
def ranges() -> tuple[Network, ...]:
    """Return every special-purpose range listed in special_ranges.csv."""
    lines = (files("getbill.webhooks.ssrf") / "special_ranges.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return tuple(ip_network(row["range"]) for row in rows)


def is_special(address: Address) -> bool:
    """Return whether an address lies in a special-purpose range."""
    return any(address in network for network in ranges())


def is_loopback(address: Address) -> bool:
    """Return whether an address is this machine's loopback; a translated one belongs to the translator."""
    return (address.ipv4_mapped or address if isinstance(address, IPv6Address) else address).is_loopback


def effective_address(address: Address) -> Address:
    """Return the IPv4 destination of an IPv6 address (mapped, compatible, NAT64), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or address in _TRANSLATED:
        return _last(address)
    # `::` and `::1` are addresses of their own (RFC 4291 section 2.5).
    if address in _COMPATIBLE and int(address) > 1:
        return _last(address)
    if address in _NAT64_LOCAL:
        return _last(address)
    return address


def embedded(address: Address) -> Iterator[IPv4Address]:
    """Yield every IPv4 address that an address may stand for, including tunnels (6to4, Teredo, ISATAP)."""
    if isinstance(address, IPv4Address):
        return
    inner = effective_address(address)
    if isinstance(inner, IPv4Address):
        yield inner
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if int(address) >> 32 & _IPV4_BITS in _ISATAP:
        yield _last(address)
    if address in _NAT64_LOCAL:
        yield from _behind_prefixes(address)


def _behind_prefixes(address: IPv6Address) -> Iterator[IPv4Address]:
    value = int(address)
    # Without the empty octet the 32 bits are contiguous.
    high, low = value >> 64, value & ((1 << 56) - 1)
    joined = high << 56 | low
    for bits in _RFC6052_PREFIXES:
        # The bits behind it should be zero, but a translator ignores them.
        inner = IPv4Address(joined >> 120 - bits - 32 & _IPV4_BITS)
        if inner not in _THIS_NETWORK:
            yield inner


def _last(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & _IPV4_BITS)
