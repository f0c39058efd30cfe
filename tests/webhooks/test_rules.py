"""Rules of webhooks that need neither database nor network."""

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.kit.errors import Invalid
from getbill.webhooks.endpoints import wire
from getbill.webhooks.model import RETRY_SECONDS, AttemptOutcome, judge
from getbill.webhooks.ssrf.resolver import AddressForbidden, CheckedResolver, EgressPolicy

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LIVE, SANDBOX = EgressPolicy(is_live=True), EgressPolicy(is_live=False)


@pytest.mark.parametrize(
    "text",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:5ef5:79fb::1",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
    ],
)
def test_an_address_inside_some_network_is_forbidden_everywhere(text: str) -> None:
    assert not LIVE.allows(ip_address(text))
    assert not SANDBOX.allows(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2a01:e0a::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_allowed_everywhere(text: str) -> None:
    assert LIVE.allows(ip_address(text))
    assert SANDBOX.allows(ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_only_a_sandbox_reaches_its_own_machine(text: str) -> None:
    assert SANDBOX.allows(ip_address(text))
    assert not LIVE.allows(ip_address(text))


def test_the_operator_may_list_a_network_but_never_the_metadata_in_it() -> None:
    listed = EgressPolicy(is_live=True, networks=(ip_network("10.0.0.0/8"), ip_network("169.254.0.0/16")))

    assert listed.allows(ip_address("10.1.2.3"))
    assert not listed.allows(ip_address("169.254.169.254"))
    assert not listed.allows(ip_address("192.168.1.1"))


async def test_a_name_with_even_one_forbidden_address_is_refused() -> None:
    async def look_up(_host: str) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(AddressForbidden):
        await CheckedResolver(LIVE, look_up).resolve("example.com", 443)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "not-https"),
        ("http://127.0.0.1/", "not-https"),
        ("https://127.0.0.1/", "forbidden-address"),
        ("https://localhost/", "forbidden-address"),
        ("https://[::1]/", "forbidden-address"),
        ("https://192.168.1.1/", "forbidden-address"),
    ],
)
def test_a_live_webhook_goes_to_https_on_the_public_network(url: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        wire.refuse_unreachable(url, LIVE)

    assert [error.code for error in refusal.value.errors][-1:] == [code]


def outcome(**values: object) -> AttemptOutcome:
    return AttemptOutcome(NOW, 3, **values)  # type: ignore[arg-type]


@given(status=st.integers(100, 599), before=st.integers(0, 6))
def test_2xx_is_success_and_all_else_is_tried_five_times_more(status: int, before: int) -> None:
    verdict = judge(outcome(status=status), before, RETRY_SECONDS, NOW)

    if 200 <= status < 300:
        assert verdict.state == "delivered"
    elif before >= 5:
        assert verdict.state == "exhausted"
    else:
        wait = (verdict.next_try_at - NOW).total_seconds()
        assert verdict.state == "pending"
        assert RETRY_SECONDS[before] * 0.9 <= wait <= RETRY_SECONDS[before] * 1.1


@given(asked=st.floats(allow_nan=False) | st.none())
def test_a_receiver_may_ask_for_more_time_but_for_no_more_than_a_day(asked: float | None) -> None:
    verdict = judge(outcome(status=429, retry_after_seconds=asked), 0, RETRY_SECONDS, NOW)

    wait = (verdict.next_try_at - NOW).total_seconds()
    assert min(asked or 0, 86_400) - 0.001 <= wait
    assert 54 <= wait <= 86_400
