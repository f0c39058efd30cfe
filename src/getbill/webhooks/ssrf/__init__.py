"""SSRF protection: the hosts and addresses that a webhook may reach."""

from getbill.webhooks.ssrf.hosts import HostMisspelt, host_of
from getbill.webhooks.ssrf.resolver import (
    LOOKUPS_MAX,
    AddressForbidden,
    CheckedResolver,
    EgressPolicy,
    Lookup,
    checked_socket,
    parse_address,
    system_lookup,
)
from getbill.webhooks.ssrf.special_addresses import Network, is_loopback
