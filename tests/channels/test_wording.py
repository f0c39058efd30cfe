"""Templates in a company's own words: what passes, what is refused, and that ours pass too."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill import channels
from getbill.channels import Wording, custom_templates, messages
from getbill.kit.money import Money

EVERY = list(product(channels.built_in_names(), channels.LANGUAGES))
FACTS = channels.sample(
    iban="FR7630006000011234567890189", contact_email="pay@acme.example", creditor_address=("1 rue du Four",)
)
EMAIL = Wording("Case {{ reference }}", "Hello {{ debtor }},\n\n{{ how_to_pay }}\n\n{{ foot }}")


def codes(own: Wording, name: str = "own_email") -> list[tuple[str, str]]:
    return [(fault.part, fault.code) for fault in channels.faults(own, name, "en")]


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_template_of_ours_could_have_been_published(name: str, language: str) -> None:
    if name in custom_templates.WORDED_BY_LAW:
        return
    own = channels.built_in_wording(name, language)

    assert channels.faults(own, name, language) == []


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_template_of_ours_says_the_same_when_it_is_published_unchanged(name: str, language: str) -> None:
    own = channels.built_in_wording(name, language)
    theirs = channels.render_wording(own, name, language, FACTS)
    ours = channels.render(name, language, FACTS)

    assert (theirs.subject, theirs.text.split()) == (ours.subject, ours.text.split())
    assert (theirs.html or "").split() == (ours.html or "").split()


def test_an_e_mail_without_a_page_of_its_own_gets_one_of_its_text() -> None:
    own = replace(
        EMAIL, text="Hello <{{ debtor }}>,\nyou owe {{ balance }}.\n\n{{ how_to_pay }}\n\n{{ foot }}"
    )

    html = channels.render_wording(own, "own_email", "en", replace(FACTS, debtor="Tom & Co")).html or ""

    assert "<p>Hello &lt;Tom &amp; Co&gt;,<br>you owe €2,340.00.</p>" in html
    assert "IBAN: FR76 3000 6000 0112 3456 7890 189<br>" in html
    assert html.count("<html") == 1
    assert "\x00" not in html


def test_a_page_of_its_own_stands_in_the_frame_and_is_escaped() -> None:
    own = replace(EMAIL, html="<p>Hello {{ debtor }}</p>{{ how_to_pay }}{{ foot }}")

    html = channels.render_wording(own, "own_email", "en", replace(FACTS, debtor="<b>Tom</b>")).html or ""

    assert "<p>Hello &lt;b&gt;Tom&lt;/b&gt;</p>" in html
    assert html.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"subject": None}, [("subject", "missing")]),
        ({"text": "{{ how_to_pay }}{{ foot"}, [("text", "syntax")]),
        ({"text": "{{ how_to_pay }}{{ foot }}{{ late_fee }}"}, [("text", "unknown-variable")]),
        ({"text": "Hello {{ debtor }}, {{ foot }}"}, [("text", "no-way-to-pay")]),
        ({"text": "{% if iban %}{{ how_to_pay }}{% endif %}{{ foot }}"}, [("text", "no-way-to-pay")]),
        ({"text": "Pay: {{ how_to_pay }}"}, [("text", "no-sender")]),
        ({"html": "<p>{{ foot }}</p>"}, [("html", "no-way-to-pay")]),
        ({"html": "{{ how_to_pay }}{{ foot }}<script>x</script>"}, [("html", "active-content")]),
        ({"html": '{{ how_to_pay }}{{ foot }}<img src="https://x.example/1">'}, [("html", "active-content")]),
        ({"html": '{{ how_to_pay }}{{ foot }}<p onclick="x()">'}, [("html", "active-content")]),
        ({"text": "{{ ''.__class__ }}{{ how_to_pay }}{{ foot }}"}, [("text", "not-allowed")]),
        ({"text": "{{ foot * 999999999 }}{{ how_to_pay }}{{ foot }}"}, [("text", "not-allowed")]),
        ({"text": "{% include 'fr/_pay.txt' %}{{ how_to_pay }}{{ foot }}"}, [("text", "not-allowed")]),
        ({"text": "{% for a in range(9) %}{% endfor %}{{ how_to_pay }}{{ foot }}"}, [("text", "not-a-list")]),
        ({"text": "{{ how_to_pay|center(9) }}{{ foot }}"}, [("text", "not-allowed")]),
    ],
)
def test_a_wording_that_cannot_be_sent_is_refused(
    changes: dict[str, str | None], wrong: list[tuple[str, str]]
) -> None:
    result = codes(replace(EMAIL, **changes))  # type: ignore[arg-type]  # the parts are texts

    assert [item for item in result if item in wrong] == wrong
    assert {part for part, _ in result} == {part for part, _ in wrong}


def test_an_ai_call_that_does_not_open_with_the_disclosure_is_refused() -> None:
    good = Wording(None, "{{ disclosure }} {{ creditor }}: {{ how_to_pay }}")

    late = Wording(None, "Hello! {{ disclosure }} {{ creditor }}: {{ how_to_pay }}")

    assert codes(good, "own_call") == []
    assert codes(late, "own_call") == [("text", "no-disclosure")]


def test_a_text_message_has_no_subject_and_an_end() -> None:
    short = Wording(None, "{{ creditor }}: {{ how_to_pay }}")

    assert codes(short, "own_sms") == []
    assert codes(replace(short, subject="Hello"), "own_sms") == [("subject", "not-on-this-channel")]
    assert codes(replace(short, text=short.text + "x" * 640), "own_sms") == [("text", "too-long")]


def test_an_unknown_variable_is_named_with_those_there_are() -> None:
    (fault,) = channels.faults(replace(EMAIL, subject="{{ total }}"), "own_email", "en")

    assert fault.detail.startswith(
        "Line 1: unknown variable 'total'. Valid variables: balance, collector, collector_address, contact, "
    )


@given(st.text(max_size=200))
def test_whatever_is_written_is_published_or_refused_with_reasons(text: str) -> None:
    own = replace(EMAIL, text=f"{text}\n{{{{ how_to_pay }}}}\n{{{{ foot }}}}")

    if not channels.faults(own, "own_email", "en"):
        message = channels.render_wording(own, "own_email", "en", FACTS)
        assert "FR76 3000 6000 0112 3456 7890 189" in message.text
        assert (message.html or "").startswith("<!doctype html>")


def test_a_template_that_a_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {key: value for key, value in messages._parts().items() if key != ("es", "wave_1_email")}
    monkeypatch.setattr(messages, "_parts", lambda: parts)

    assert channels.render("wave_1_email", "es", FACTS).text.startswith("Hello Jean Dupont,")


def test_the_amount_is_written_as_the_language_writes_it() -> None:
    facts = replace(FACTS, balance=Money(1_234_567_89, "EUR"))

    texts = [channels.render("wave_1_sms", language, facts).text for language in channels.LANGUAGES]

    amounts = ("1 234 567,89 €", "€1,234,567.89", "1.234.567,89 €", "1.234.567,89 €")
    assert all(amount in text for amount, text in zip(amounts, texts, strict=True))
