"""Which addresses a webhook may be sent to, and a resolver that lets nothing reach any other.

A creditor names the URL, so without this anybody with a key could knock on doors inside the operator's network.
An address is looked up once, checked, and that very address is connected to: a name that answers differently a
moment later (DNS rebinding) gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[[str], Awaitable[list[str]]]

# Where clouds tell a machine its own secrets: AWS, GCP, Azure, Oracle, Alibaba, and the container variants.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "192.0.0.192",
        "100.100.100.200",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
# IPv6 addresses that stand for an IPv4 one (RFC 6052).
_NAT64 = ip_network("64:ff9b::/96")
# A hanging name server holds a thread each, so one endpoint's must not use up all there are.
LOOKUPS_MAX = 32


class AddressForbidden(Exception):
    """The address is one that no webhook of this workspace may be sent to."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a workspace's webhooks may reach: the public network, what the operator lists, a sandbox its own machine."""

    is_live: bool
    networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Say whether a webhook may be sent to this address."""
        address = _meant(address)
        if address in _METADATA:
            return False
        if any(address in network for network in self.networks):
            return True
        if address.is_loopback:
            return not self.is_live
        return _is_public(address)

    def check(self, text: str) -> None:
        """Raise AddressForbidden unless a webhook may be sent to this numeric address."""
        if not self.allows(ip_address(text)):
            raise AddressForbidden(text)


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address):
        # Tunnels whose other end could be anything (6to4 and Teredo), and the old private range.
        return address.sixtofour is None and address.teredo is None and not address.is_site_local
    return True


def numeric(host: str) -> Address | None:
    """Return the address that a URL's host is, None when it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


class CheckedResolver(AbstractResolver):
    """A resolver for aiohttp that returns only addresses a webhook may be sent to."""

    def __init__(self, reach: Reach, lookup: Lookup) -> None:
        self._reach = reach
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return a name's addresses; raise AddressForbidden when even one of them is forbidden."""
        found = await self._lookup(host)
        for text in found:
            self._reach.check(text)
        return [
            ResolveResult(
                hostname=host,
                host=text,
                port=port,
                family=socket.AF_INET6 if ":" in text else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for text in found
            if family in {socket.AF_UNSPEC, socket.AF_INET6 if ":" in text else socket.AF_INET}
        ]

    async def close(self) -> None:
        """Keep nothing."""


def system_lookup(threads: Executor) -> Lookup:
    """Return a look-up that asks the machine's own resolver, in these threads."""

    async def look_up(host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(threads, socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        # A link-local address carries its interface after a percent sign; it is refused with or without.
        return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))

    return look_up
