"""Client address and transport security of a request.

A live credential is accepted over TLS, from a declared proxy that terminated TLS, or from this machine. The
server puts a declared proxy's headers into the scope beforehand; any other forwarding header only shows that
the loopback connection acts for a remote client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

_FORWARDING = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")


@dataclass(slots=True)
class Peer:
    """The client of a request: its address, and whether its connection is private."""

    address: str
    is_private: bool


def peer_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Peer:
    """Return the client of a request."""
    client = scope.get("client")
    # A Unix socket has no address; its clients are on this machine.
    host = client[0] if client else "127.0.0.1"
    if scope.get("scheme") == "https":
        return Peer(host, is_private=True)
    is_forwarded = any(name in headers for name in _FORWARDING)
    return Peer(host, is_private=_is_loopback(host) and not is_forwarded)


@lru_cache(maxsize=4096)
def bucket(address: str) -> str:
    """Return the rate limit key of an address: an IPv6 subscriber has a whole /64."""
    ip = _address(address)
    if isinstance(ip, IPv6Address):
        return str(ip_network((ip, 64), strict=False))
    return address


def is_within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Return whether an address is in one of some networks."""
    ip = _address(address)
    return ip is not None and any(ip in network for network in networks)


@lru_cache(maxsize=4096)
def _is_loopback(host: str) -> bool:
    ip = _address(host)
    return ip is not None and ip.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
