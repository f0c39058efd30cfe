"""Which addresses no live webhook reaches: the IANA registries whole, and IPv4 addresses inside IPv6 ones."""

import socket
from importlib.resources import files
from ipaddress import ip_address, ip_network

import pytest

from getbill.webhooks.ssrf.resolver import AddressForbidden, EgressPolicy, checked_socket
from getbill.webhooks.ssrf.special_addresses import Network, ranges

# The rows of the IANA registries of special-purpose addresses (July 2026) that are not globally reachable, or whose
# reachability they do not tell.
NOT_REACHABLE = [
    "0.0.0.0/8",
    "0.0.0.0/32",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.88.99.2/32",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
]
LIVE, SANDBOX = EgressPolicy(is_live=True), EgressPolicy(is_live=False)
PUBLIC = ("8.8.8.8", "1.1.1.1", "192.0.1.1", "198.20.0.1", "2606:4700:4700::1111", "2a00:1450:4007::200e")
# Forms of RFC 4291 (mapped, compatible), RFC 2765 (translated), RFC 6052, RFC 8215.
STANDING_IN = ("::ffff:{}", "::{}", "::ffff:0:{}", "64:ff9b::{}", "64:ff9b:1::{}")


@pytest.mark.parametrize("network", ranges(), ids=str)
def test_no_end_of_a_special_range_is_reached(network: Network) -> None:
    # One that stands for an IPv4 address is judged by that, and the last of those are reserved too.
    assert not LIVE.allows(network.network_address)
    assert not LIVE.allows(network.broadcast_address)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_reached(text: str) -> None:
    assert LIVE.allows(ip_address(text))


@pytest.mark.parametrize("form", STANDING_IN)
@pytest.mark.parametrize(
    ("inner", "live", "sandbox"),
    [
        ("8.8.8.8", True, True),
        ("10.0.0.1", False, False),
        ("192.0.0.8", False, False),
        ("169.254.169.254", False, False),
    ],
)
def test_an_address_that_stands_for_another_is_judged_by_that(
    form: str, inner: str, live: bool, sandbox: bool
) -> None:
    address = ip_address(form.format(inner))

    assert (LIVE.allows(address), SANDBOX.allows(address)) == (live, sandbox)


@pytest.mark.parametrize(
    "text",
    [
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2002:a00:1::1",
        "2002:808:808::1",  # whatever its relay is
        "2001:0:7f00:1::",  # Teredo by the server 127.0.0.1
        "2001:0:808:808:0:ffff:80ff:fffe",  # Teredo of the client 127.0.0.1
        "64:ff9b:1:a00:0:100::",  # 10.0.0.1 behind a prefix of 48 bits (RFC 6052)
        "64:ff9b:1:a9:fe:a9fe::",  # 169.254.169.254 behind 56 bits
        "64:ff9b:1:0:7f:0:100:0",  # 127.0.0.1 behind 64 bits
        "64:ff9b:1:a00:0:100:808:808",  # 10.0.0.1 behind 48 bits, and bits after it that look like 8.8.8.8
        "64:ff9b:1:0:c0:a800:108:808",  # 192.168.0.1 behind 64 bits, likewise
        "2a00:1450:4007::5efe:a00:1",  # ISATAP of 10.0.0.1 (RFC 5214)
        "2a00:1450:4007::200:5efe:7f00:1",
        # A translator's own loopback, not this machine's.
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
    ],
)
def test_a_tunnel_or_translator_leads_nowhere(text: str) -> None:
    assert not LIVE.allows(ip_address(text))
    assert not SANDBOX.allows(ip_address(text))


def test_a_sandbox_reaches_the_loopback_of_its_own_machine_only() -> None:
    for text in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
        assert (LIVE.allows(ip_address(text)), SANDBOX.allows(ip_address(text))) == (False, True), text


def test_the_metadata_of_a_cloud_is_refused_in_every_form_whatever_the_operator_lists() -> None:
    everything = EgressPolicy(is_live=True, networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    forms = [form.format("169.254.169.254") for form in STANDING_IN]

    for text in [*forms, "2002:a9fe:a9fe::1", "169.254.169.254", "64:ff9b:1:a9:fe:a9fe::"]:
        assert not everything.allows(ip_address(text)), text
    assert everything.allows(ip_address("10.0.0.1"))
    assert everything.allows(ip_address("64:ff9b::a00:1"))


@pytest.mark.parametrize("block", NOT_REACHABLE)
def test_what_the_registries_call_not_globally_reachable_is_a_special_range(block: str) -> None:
    network = ip_network(block)

    assert any(network.version == item.version and network.subnet_of(item) for item in ranges())


def test_the_ranges_name_their_source_and_its_date() -> None:
    text = (files("getbill.webhooks.ssrf") / "special_ranges.csv").read_text("utf-8")
    report = [line for line in text.splitlines() if line.startswith("#")]

    assert any("iana-ipv4-special-registry" in line for line in report)
    assert any("iana-ipv6-special-registry" in line for line in report)
    assert any("Read on 20" in line for line in report)
    assert len(set(ranges())) == len(ranges()) >= 56


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%lo"])
def test_no_socket_is_made_for_an_address_that_is_forbidden(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    place = (family, socket.SOCK_STREAM, 0, "", (address, 9))

    with pytest.raises(AddressForbidden):
        checked_socket(LIVE)(place)
