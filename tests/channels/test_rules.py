from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from jinja2 import UndefinedError

from getbill import channels, scenarios
from getbill.channels import Channel, MessageFacts, messages
from getbill.channels.messages import HowToPayMissing
from getbill.kit.money import Money

STEPS = scenarios.built_in("standard_3_waves").steps
BY_TRANSFER = MessageFacts(
    creditor="Énergie du Midi",
    debtor="Jean Dupont",
    reference="INV-2024-0042",
    balance=Money(234_000, "EUR"),
    sent_on=date(2026, 11, 20),
    due_on=date(2024, 1, 15),
    iban="FR7630006000011234567890189",
    contact_email="factures@midi.example",
    creditor_address=("1 rue du Four", "34000 MONTPELLIER"),
    debtor_address=("2 rue des Lilas", "69001 LYON"),
)
BY_LINK = replace(BY_TRANSFER, payment_link="https://pay.midi.example/p/abc?x=1&y=2")
BALANCES = {"fr": "2 340,00 €", "en": "€2,340.00", "de": "2.340,00 €", "es": "2.340,00 €"}
PLAIN = str.maketrans("\u00a0\u202f", "  ")
EVERY = list(product(sorted({step.template for step in STEPS}), channels.LANGUAGES))


@pytest.mark.parametrize(("template", "language"), EVERY)
@pytest.mark.parametrize(
    ("facts", "how_to_pay"),
    [
        (BY_LINK, "https://pay.midi.example/p/abc?x=1"),
        (BY_TRANSFER, "FR76 3000 6000 0112 3456 7890 189"),
        (replace(BY_TRANSFER, iban=None, due_on=None), "factures@midi.example"),
    ],
)
def test_every_message_says_who_writes_what_is_owed_and_how_to_pay(
    template: str, language: str, facts: MessageFacts, how_to_pay: str
) -> None:
    message = channels.render(template, language, facts)

    for part in filter(None, (message.text, message.html)):
        answer = part.translate(PLAIN)
        assert "Énergie du Midi" in answer
        assert "INV-2024-0042" in answer
        assert BALANCES[language] in answer
        assert how_to_pay in answer
        assert "None" not in answer


@pytest.mark.parametrize("language", channels.LANGUAGES)
def test_each_channel_has_the_parts_it_needs(language: str) -> None:
    for step in STEPS:
        message = channels.render(step.template, language, BY_LINK)
        written = step.channel in {Channel.EMAIL, Channel.LETTER}
        assert (message.subject is not None) is written
        assert (message.html is not None) is written


WORDS_OF_DISCLOSURE = {
    "fr": "une intelligence artificielle",
    "en": "an artificial intelligence",
    "de": "einer künstlichen Intelligenz",
    "es": "una inteligencia artificial",
}


@pytest.mark.parametrize("language", channels.LANGUAGES)
def test_an_ai_call_opens_by_saying_that_it_is_one(language: str) -> None:
    for step in STEPS:
        if step.channel == Channel.AI_CALL:
            message = channels.render(step.template, language, BY_LINK)
            assert message.text.startswith(channels.disclosure(language))
    assert WORDS_OF_DISCLOSURE[language] in channels.disclosure(language)


@pytest.mark.parametrize("language", channels.LANGUAGES)
def test_an_ai_call_says_nothing_of_the_case_before_it_knows_who_listens(language: str) -> None:
    for template in ("wave_2_call", "wave_3_call"):
        text = channels.render(template, language, BY_LINK).text

        opening, mistaken, _, voicemail = text.split("\n[")

        for output in (opening, mistaken, voicemail):
            assert "INV-2024-0042" not in output
            assert BALANCES[language] not in output


@pytest.mark.parametrize("language", channels.LANGUAGES)
@pytest.mark.parametrize("facts", [BY_LINK, BY_TRANSFER])
def test_a_text_message_is_short_and_its_preview_gives_no_debt_away(
    language: str, facts: MessageFacts
) -> None:
    text = channels.render("wave_1_sms", language, facts).text.strip()

    assert len(text) <= 160
    assert "\n" not in text
    assert "\u00a0" not in text
    for word in ("dette", "impayé", "retard", "recouvrement", "debt", "overdue", "unpaid", "collection"):
        assert word not in text.lower()


@pytest.mark.parametrize(("template", "language"), EVERY)
def test_no_message_threatens_or_poses_as_a_court(template: str, language: str) -> None:
    message = channels.render(template, language, BY_LINK)

    for word in (
        "huissier",
        "saisie",
        "tribunal",
        "poursuite",
        "mise en demeure",
        "court",
        "bailiff",
        "legal",
    ):
        assert word not in f"{message.subject} {message.text}".lower()


def test_a_letter_carries_both_addresses_and_its_date() -> None:
    letter = channels.render("wave_3_letter", "fr", BY_LINK)

    assert letter.text.startswith(
        "Énergie du Midi\n1 rue du Four\n34000 MONTPELLIER\n\nJean Dupont\n2 rue des Lilas\n"
    )
    assert "Le 20 novembre 2026" in letter.text
    assert letter.html is not None
    assert "Jean Dupont<br>2 rue des Lilas<br>69001 LYON" in letter.html


def test_what_people_are_called_cannot_change_the_page_or_the_headers() -> None:
    facts = replace(BY_LINK, creditor="Tom & <b>Co</b>\r\nBcc: x@midi.example")

    message = channels.render("wave_1_email", "en", facts)

    assert message.subject == "Tom & <b>Co</b> Bcc: x@midi.example: a reminder about your case INV-2024-0042"
    assert message.html is not None
    assert "<b>Co</b>" not in message.html
    assert "Tom &amp; &lt;b&gt;Co&lt;/b&gt;" in message.html


@pytest.mark.parametrize(
    "facts",
    [
        replace(BY_TRANSFER, iban=None, contact_email=None),
        replace(BY_LINK, payment_link="javascript:alert(1)"),
    ],
)
def test_a_message_that_leads_nowhere_is_not_rendered(facts: MessageFacts) -> None:
    with pytest.raises(HowToPayMissing):
        channels.render("wave_1_email", "fr", facts)


def test_an_unknown_template_or_language_is_refused() -> None:
    with pytest.raises(channels.TemplateUnknown, match="'wave_9_fax' in 'fr'"):
        channels.render("wave_9_fax", "fr", BY_LINK)
    with pytest.raises(channels.TemplateUnknown, match="'wave_1_email' in 'it'"):
        channels.render("wave_1_email", "it", BY_LINK)


def test_a_variable_nobody_knows_stops_the_rendering() -> None:
    template = messages.environment().from_string("{{ creditor }} {{ late_fee }}")

    with pytest.raises(UndefinedError, match="late_fee"):
        template.render(creditor="Énergie du Midi")


def test_amounts_keep_the_decimals_of_their_currency() -> None:
    yen = channels.render("wave_1_sms", "en", replace(BY_LINK, balance=Money(2_340, "JPY")))
    dinars = channels.render("wave_1_sms", "fr", replace(BY_LINK, balance=Money(2_340_500, "TND")))
    serbian = channels.render("wave_1_sms", "en", replace(BY_LINK, balance=Money(1_050, "RSD")))

    assert "JP¥2,340." in yen.text
    assert "RSD10.50." in serbian.text
    assert "2 340,500 TND" in dinars.text


@pytest.mark.parametrize(
    ("language", "country", "default", "expected"),
    [
        ("fr", "DE", "en", "fr"),
        ("en-GB", "FR", "fr", "en"),
        ("FR_ca", None, "en", "fr"),
        (None, "FR", "en", "fr"),
        (None, "re", "en", "fr"),
        (None, "DE", "fr", "de"),
        (None, "AT", "fr", "de"),
        (None, "mx", "fr", "es"),
        (None, "CH", "fr", "en"),
        (None, None, "fr", "fr"),
        (None, None, "de", "de"),
        (None, None, "it", "en"),
        ("it", "FR", "en", "fr"),
        ("it", None, "fr", "en"),
        ("es", "FR", "en", "es"),
    ],
)
def test_the_language_is_the_debtors_else_their_countrys(
    language: str | None, country: str | None, default: str, expected: str
) -> None:
    assert channels.language_of(language, country, default) == expected
