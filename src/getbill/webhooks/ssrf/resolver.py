"""The addresses a webhook may be sent to, and a resolver that refuses all others.

A creditor names the URL, so without this check any holder of a key could reach the operator's internal
network. An address is resolved once, checked, and that very address is connected to: a name that resolves
differently a moment later (DNS rebinding) gains nothing.
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

# Metadata services of clouds: AWS, GCP, Azure, Oracle, Alibaba, and the container variants.
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
# A hanging name server blocks a thread each, so one endpoint's must not use up all of them.
LOOKUPS_MAX = 32


class AddressForbidden(Exception):
    """Webhooks of this workspace may not be sent to this address."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The networks of a workspace's webhooks: public, listed by the operator, and loopback in the sandbox."""

    is_live: bool
    networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Return whether a webhook may be sent to an address; an embedded address decides."""
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
    """Return the address that a URL's host is; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def checked_socket(policy: EgressPolicy) -> Callable[[AddrInfoType], socket.socket]:
    """Return a socket factory that connects only to an address it has just checked."""

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
        """Return the addresses of a name; raise AddressForbidden if any of them is forbidden."""
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
        """Do nothing: the resolver holds no resources."""


def system_lookup(threads: Executor) -> Lookup:
    """Return a look-up through the system's resolver, in these threads."""

    async def resolve_host(host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(threads, socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        # A link-local address carries its interface after a percent sign; it is refused either way.
        return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in entries))

    return resolve_host
