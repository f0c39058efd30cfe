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
from ipaddress import ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from getbill.webhooks.ssrf.special_addresses import (
    Address,
    Network,
    effective_address,
    embedded,
    is_loopback,
    is_special,
)

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
# A hanging name server holds a thread each, so one endpoint's must not use up all there are.
LOOKUPS_MAX = 32


class AddressForbidden(Exception):
    """The address is one that no webhook of this workspace may be sent to."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What a workspace's webhooks may reach: the public network, what the operator lists, a sandbox its own machine."""

    is_live: bool
    networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Say whether a webhook may be sent to this address; one that stands for another is judged by that."""
        inner = list(embedded(address))
        if not _METADATA.isdisjoint([address, *inner]):
            return False
        target_address = effective_address(address)
        if any(target_address in network for network in self.networks):
            return True
        if is_loopback(address):
            return not self.is_live
        return not any(map(is_special, {target_address, *inner}))

    def check(self, text: str) -> None:
        """Raise AddressForbidden unless a webhook may be sent to this numeric address."""
        if not self.allows(ip_address(text)):
            raise AddressForbidden(text)


def parse_address(host: str) -> Address | None:
    """Return the address that a URL's host is, None when it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def checked_socket(policy: EgressPolicy) -> Callable[[AddrInfoType], socket.socket]:
    """Return what makes sockets for connections, each only to an address that was just checked."""

    def make(address_info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = address_info
        policy.check(str(address[0]).partition("%")[0])
        return socket.socket(family, kind, protocol)

    return make


class CheckedResolver(AbstractResolver):
    """A resolver for aiohttp that returns only addresses a webhook may be sent to."""

    def __init__(self, policy: EgressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return a name's addresses; raise AddressForbidden when even one of them is forbidden."""
        addresses = await self._lookup(host)
        for text in addresses:
            self._policy.check(text)
        return [
            ResolveResult(
                hostname=host,
                host=text,
                port=port,
                family=socket.AF_INET6 if ":" in text else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for text in addresses
            if family in {socket.AF_UNSPEC, socket.AF_INET6 if ":" in text else socket.AF_INET}
        ]

    async def close(self) -> None:
        """Keep nothing."""


def system_lookup(threads: Executor) -> Lookup:
    """Return a look-up that asks the machine's own resolver, in these threads."""

    async def resolve_host(host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(threads, socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        # A link-local address carries its interface after a percent sign; it is refused with or without.
        return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in entries))

    return resolve_host
