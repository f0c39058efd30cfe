"""How a host may be written: names in plain letters and plain addresses, nothing that libraries read in two ways."""

from ipaddress import ip_address

import pytest

from getbill.kit.errors import Invalid
from getbill.webhooks.endpoints.wire import refuse_unreachable
from getbill.webhooks.ssrf.hosts import host_of
from getbill.webhooks.ssrf.resolver import EgressPolicy


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.1", "host-spelling"),
        ("127.0.1", "host-spelling"),
        ("2130706433", "host-spelling"),
        ("0177.0.0.1", "host-spelling"),
        ("017700000001", "host-spelling"),
        ("0x7f.1", "host-spelling"),
        ("0X7F000001", "host-spelling"),
        ("0x7f.0x0.0x0.0x1", "host-spelling"),
        ("127.0.0.01", "host-spelling"),
        ("127.0.0.1.", "host-spelling"),
        ("127.0.0.1..", "host-spelling"),
        ("8.8.8.8.", "host-spelling"),
        ("134744072", "host-spelling"),
        ("256.1.1.1", "host-spelling"),
        ("1.2.3.4.5", "host-spelling"),
        ("example.1", "host-spelling"),
        ("example.0x", "host-spelling"),
        ("%31%32%37.0.0.1", "host-spelling"),
        ("127%2e0%2e0%2e1", "host-spelling"),
        ("%6cocalhost", "host-spelling"),
        ("example%2ecom", "host-spelling"),
        ("１２７.0.0.1", "host-spelling"),  # noqa: RUF001 what is refused
        ("127。0。0。1", "host-spelling"),
        ("①②⑦.0.0.1", "host-spelling"),
        ("٣.٣.٣.٣", "host-spelling"),
        ("127.0.0.١", "host-spelling"),  # noqa: RUF001 what is refused
        ("ⓛocalhost", "host-spelling"),
        ("ｅxample.com", "host-spelling"),  # noqa: RUF001 as above
        ("[fe80::1%25lo]", "host-spelling"),
        ("[127.0.0.1]", "host-spelling"),
        ("[v1.x]", "host-spelling"),
        ("192.0.0.8", "forbidden-address"),
        ("0.0.0.0", "forbidden-address"),  # noqa: S104 an address to refuse, not to bind
        ("[::]", "forbidden-address"),
        ("[::ffff:127.0.0.1]", "forbidden-address"),
        ("[::127.0.0.1]", "forbidden-address"),
        ("[64:ff9b::127.0.0.1]", "forbidden-address"),
        ("[64:ff9b:1::10.0.0.1]", "forbidden-address"),
        ("[2002:7f00:1::]", "forbidden-address"),
        ("localhost", "forbidden-address"),
        ("LOCALHOST.", "forbidden-address"),
        ("hooks.localhost", "forbidden-address"),
    ],
)
def test_a_host_is_refused_for_what_it_could_mean(host: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unreachable(f"https://{host}/hooks", EgressPolicy(is_live=True))

    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/url", code)]


@pytest.mark.parametrize(
    ("host", "read"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("4you.example", "4you.example"),
        ("1e100.net", "1e100.net"),
        ("0x7f.example", "0x7f.example"),
        ("notlocalhost.example", "notlocalhost.example"),
        ("8.8.8.8", ip_address("8.8.8.8")),
        ("[2606:4700::1]", ip_address("2606:4700::1")),
        ("[2606:4700:0:0:0:0:0:1]", ip_address("2606:4700::1")),
    ],
)
def test_a_plain_host_is_taken(host: str, read: object) -> None:
    for url in (f"https://{host}", f"https://{host}:8443/hooks?a=b@c"):
        assert host_of(url) == read
        refuse_unreachable(url, EgressPolicy(is_live=True))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_sandbox_reaches_the_loopback(host: str) -> None:
    url = f"http://{host}:9000/hooks"

    refuse_unreachable(url, EgressPolicy(is_live=False))

    with pytest.raises(Invalid):
        refuse_unreachable(url, EgressPolicy(is_live=True))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1"])
def test_a_sandbox_is_held_to_plain_spelling_too(host: str) -> None:
    with pytest.raises(Invalid, match="four decimal numbers"):
        refuse_unreachable(f"http://{host}:9000/hooks", EgressPolicy(is_live=False))


def test_a_name_that_only_ends_like_the_loopback_is_not_it() -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unreachable("http://mylocalhost:9000/hooks", EgressPolicy(is_live=False))

    assert refused.value.errors[0].code == "not-https"
