"""The rules on wording: each refuses what it names, and none refuses a kind and true message."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from getbill import channels
from getbill.channels.custom_templates import WORDED_BY_LAW
from getbill.templates import wording_rules
from getbill.templates.wording_rules import Effect, Topic, find_breaches, rules_for

ON = date(2026, 11, 30)
CASES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "wording_cases.toml").read_text("utf-8"))
RULES = {rule.id: (rule, language) for language in channels.LANGUAGES for rule in rules_for(language)}
BREACHES = [(rule, text) for rule, texts in CASES["breaches"].items() for text in texts]
ALLOWED = [(language, text) for language, texts in CASES["allowed"].items() for text in texts]


def broken(text: str, language: str, *, is_html: bool = False) -> set[str]:
    return {breach.rule.id for breach in find_breaches(text, language, ON, is_html=is_html)}


@pytest.mark.parametrize(("rule", "text"), BREACHES)
def test_a_rule_finds_the_words_that_it_forbids(rule: str, text: str) -> None:
    assert rule in broken(text, RULES[rule][1])
    assert rule in broken(text.upper(), RULES[rule][1])


@pytest.mark.parametrize(("language", "text"), ALLOWED)
def test_a_kind_and_true_message_breaks_no_rule(language: str, text: str) -> None:
    assert broken(text, language) == set()


def test_each_rule_has_passages_that_break_it_and_there_are_sixty_that_break_none() -> None:
    assert set(CASES["breaches"]) == set(RULES)
    assert len(ALLOWED) >= 60


@pytest.mark.parametrize("rule", [rule for rule, _ in RULES.values()], ids=lambda rule: rule.id)
def test_each_rule_has_a_source_and_its_days(rule: wording_rules.WordingRule) -> None:
    assert rule.source.strip()
    assert rule.valid_from <= rule.reviewed_on <= ON
    assert rule.jurisdiction.isupper()


def test_each_topic_has_a_rule_and_a_sentence_in_french() -> None:
    assert {rule.topic for rule, _ in RULES.values()} == set(Topic)
    for rule, _ in RULES.values():
        assert rule.says.translated("fr") != str(rule.says)


@pytest.mark.parametrize("language", channels.LANGUAGES)
@pytest.mark.parametrize("name", sorted(set(channels.built_in_names()) - WORDED_BY_LAW))
def test_no_built_in_template_breaks_a_rule(name: str, language: str) -> None:
    wording = channels.built_in_wording(name, language)
    assert broken(wording.subject or "", language) | broken(wording.text, language) == set()
    assert broken(wording.html or "", language, is_html=True) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Un huis\u00adsier passera.",
        "Un huis\u200bsier passera.",
        "Un HUISSIER passera.",
        "Un \uff48\uff55\uff49\uff53\uff53\uff49\uff45\uff52 passera.",
        "Un huissi\u00e9r passera.",
    ],
)
def test_characters_that_nobody_sees_hide_no_word(text: str) -> None:
    assert "FR-ENFORCEMENT" in broken(text, "fr")


@pytest.mark.parametrize(
    "page", ["<p>Un huis<b>sier</b></p>", "<p>Un&nbsp;huissi&#101;r</p>", "<p>Un<br>huissier</p>"]
)
def test_markup_hides_no_word(page: str) -> None:
    assert "FR-ENFORCEMENT" in broken(page, "fr", is_html=True)


def test_an_allowed_phrase_does_not_cover_a_forbidden_one_beside_it() -> None:
    assert broken("Aucun frais de relance. Frais de dossier : 25 €.", "fr") == {"FR-COSTS"}


def test_a_rule_counts_from_its_day_on() -> None:
    before = date(2015, 12, 9)
    assert not any(
        breach.rule.id == "DE-COURT" for breach in find_breaches("Eine Klage folgt.", "de", before)
    )


def test_law_leaves_room_only_where_a_confirmation_is_asked() -> None:
    refused = {rule.topic for rule, _ in RULES.values() if rule.effect is Effect.REFUSE}
    assert {
        Topic.ENFORCEMENT,
        Topic.CRIMINAL_LAW,
        Topic.SHAME,
        Topic.AUTHORITY,
        Topic.HIDDEN_SENDER,
    } <= refused
    assert Topic.LATE_PAYMENT not in refused
