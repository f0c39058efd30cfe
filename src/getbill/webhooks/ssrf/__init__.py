"""SSRF protection: which hosts and addresses a webhook may reach."""

from getbill.webhooks.ssrf.hosts import HostMisspelt, host_of
from getbill.webhooks.ssrf.resolver import (
    LOOKUPS_MAX,
    AddressForbidden,
    CheckedResolver,
    Lookup,
    Reach,
    checked_socket,
    numeric,
    system_lookup,
)
from getbill.webhooks.ssrf.special_addresses import Network, is_loopback

__all__ = [
    "LOOKUPS_MAX",
    "AddressForbidden",
    "CheckedResolver",
    "HostMisspelt",
    "Lookup",
    "Network",
    "Reach",
    "checked_socket",
    "host_of",
    "is_loopback",
    "numeric",
    "system_lookup",
]
