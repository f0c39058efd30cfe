"""Reading bounces: which mail of ours it is about, and what became of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import bounce
from getbill.channels.senders import Bounce, Fate, SendOutcome, failed, read_bounce
from getbill.kit import ids

FOLLOWUP, WORKSPACE = ids.show("followup", ids.new()), ids.show("workspace", ids.new())
OURS = f"<{FOLLOWUP}.{WORKSPACE}@getbill.example>"


@pytest.mark.parametrize(
    "returned_as", ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"]
)
def test_a_bounce_names_the_contact_and_the_status_and_nobodys_address(returned_as: str) -> None:
    result = read_bounce(bounce(OURS, returned_as=returned_as))

    assert result == Bounce(FOLLOWUP, WORKSPACE, failed("bounced: 5.1.1", permanent=True, dead_address=True))


def test_a_delivery_that_is_only_late_says_nothing_yet() -> None:
    assert read_bounce(bounce(OURS, action="delayed", status="4.4.1")) is None


def test_one_that_was_given_up_after_a_while_has_failed_too() -> None:
    result = read_bounce(bounce(OURS, status="4.4.7"))

    assert result is not None
    assert result.outcome == SendOutcome(Fate.FAILED, reason="bounced: 4.4.7")


@pytest.mark.parametrize(
    ("status", "is_dead_address"),
    [
        ("5.1.1", True),
        ("5.1.2", True),
        ("5.1.10", True),
        ("5.2.1", True),
        ("5.0.0", True),
        ("5.1.8", False),
        ("5.2.2", False),
        ("5.4.4", True),
        ("5.7.1", False),
        ("4.4.7", False),
        ("unreadable", False),
    ],
)
def test_only_what_is_said_of_the_address_itself_makes_it_dead(status: str, is_dead_address: bool) -> None:
    result = read_bounce(bounce(OURS, status=status))

    assert result is not None
    assert result.outcome.is_permanent
    assert result.outcome.is_dead_address == is_dead_address


def test_a_confirmed_delivery_is_one() -> None:
    result = read_bounce(bounce(OURS, action="delivered", status="2.0.0"))

    assert result is not None
    assert result.outcome.fate == Fate.DELIVERED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"From: jean.dupont@example.com\r\nSubject: Re: Rappel\r\nIn-Reply-To: %s\r\n\r\nBonjour"
        % OURS.encode(),
        bounce("<somebody-s@mail.example>"),
        bounce("<followup_1.workspace_1@getbill.example>"),
        bounce(OURS).replace(b"message/delivery-status", b"text/plain"),
        bounce(OURS).replace(b"Action: failed", b"Action: eaten"),
        bounce(OURS).partition(b"Content-Type: message/rfc822")[0],
    ],
)
def test_what_is_no_report_on_a_mail_of_ours_says_nothing(raw: bytes) -> None:
    assert read_bounce(raw) is None


@given(st.binary(max_size=400), st.integers(0, 1400))
def test_whatever_a_stranger_writes_is_read_without_breaking(junk: bytes, place: int) -> None:
    whole = bounce(OURS)

    result = read_bounce(whole[:place] + junk + whole[place:])

    assert read_bounce(junk) is None
    assert result is None or "@" not in (result.outcome.reason or "")
