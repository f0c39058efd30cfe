"""Who is at the other end of the connection, and whether others could have listened.

Forwarding headers are believed from declared proxies only. A live credential is taken over TLS, from a declared
proxy that ended TLS, or from this very machine; a loopback connection that forwards for somebody else is not that.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from getbill.access.model import Network, Policy


@dataclass(frozen=True, slots=True)
class Peer:
    """The client behind a request: its address, and whether the way to it is private."""

    address: str
    is_private: bool


def peer_of(scope: dict[str, Any], headers: dict[bytes, bytes], policy: Policy) -> Peer:
    """Return who sent a request."""
    client = scope.get("client")
    # A Unix socket has no address; whoever may open it is on this machine.
    host = client[0] if client else "127.0.0.1"
    is_tls = scope.get("scheme") == "https"
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded is None and b"forwarded" not in headers:
        return Peer(host, is_tls or _is_loopback(host))
    if not _is_within(host, policy.tls_proxies):
        return Peer(host, is_tls)
    scheme = headers.get(b"x-forwarded-proto", b"").rsplit(b",", 1)[-1].strip()
    return Peer(_behind(forwarded or b"", host, policy.tls_proxies), scheme == b"https")


def _behind(forwarded: bytes, host: str, proxies: tuple[Network, ...]) -> str:
    """Return the last address that a declared proxy saw and that is not itself one."""
    for part in reversed(forwarded.decode("ascii", "replace").split(",")):
        address = part.strip()
        if _is_address(address) and not _is_within(address, proxies):
            return address
    return host


def bucket(address: str) -> str:
    """Return what an address is counted as: an IPv6 subscriber has a /64 to choose from."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/64", strict=False)) if _is_address(address) else address


@lru_cache(maxsize=1024)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback


@lru_cache(maxsize=1024)
def _is_within(host: str, networks: tuple[Network, ...]) -> bool:
    return _is_address(host) and any(ip_address(host) in network for network in networks)
