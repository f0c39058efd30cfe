"""Word lists: a file with a mistake is refused with its name, the place and the reason."""

from pathlib import Path

import pytest

from getbill.kit.text import word_lists
from getbill.kit.text.word_lists import WordListRefused, WordLists, as_written, plain

CONCEPTS = ("open", "paid")


def lists(folder: Path, text: str) -> WordLists:
    file = folder / "words.toml"
    file.write_text(text, "utf-8")
    return WordLists(file)


def test_words_are_separated_by_commas_and_may_be_phrases(tmp_path: Path) -> None:
    stored = lists(
        tmp_path, "[words]\n# Not paid.\nopen = '''\nsolde, reste a payer,\nrestant du'''\npaid = 'regle'\n"
    )

    assert stored.words("open") == ("solde", "reste a payer", "restant du")
    assert stored.table("words", CONCEPTS) == {"open": stored.words("open"), "paid": ("regle",)}
    assert stored.concepts_by_word("words")["restant du"] == "open"
    assert stored.concepts("words") == CONCEPTS
    assert "words" in stored
    assert "patterns" not in stored


def test_a_word_of_two_concepts_stands_below_both_names(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[words]\n'open+paid' = 'solde'\n")

    assert stored.concepts_by_word("words", CONCEPTS) == {"solde": "open+paid"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[words]\nopen = solde\n", "words.toml, notation: Invalid value (at line 2, column 8)"),
        (
            "[words]\nopen = 'a'\nopen = 'b'\n",
            "words.toml, notation: Cannot overwrite a value (at line 3, column 11)",
        ),
        ("open = 'solde'\n", "words.toml, words: there is no such table"),
        ("[words]\nopen = 3\n", "words.toml, words.open: there is no such list"),
        ("[words]\nopne = 'solde'\n", "words.toml, words.opne: there is nothing named 'opne'"),
        ("[words]\n'open+piad' = 'solde'\n", "words.toml, words.open+piad: there is nothing named 'piad'"),
        (
            "[words]\nopen = 'solde'\npaid = 'solde'\n",
            "words.toml, words.paid: 'solde' is a word of 'open' already",
        ),
        ("[words]\nopen = 'solde, du, solde'\n", "words.toml, words.open: 'solde' stands twice"),
        ("[words]\nopen = 'solde, , du'\n", "words.toml, words.open: an empty entry"),
        ("[words]\nopen = ''\n", "words.toml, words.open: an empty entry"),
        ("[words]\nopen = 'Solde'\n", "words.toml, words.open: 'Solde' is compared as 'solde': write that"),
        (
            "[words]\nopen = 'du, payée'\n",
            "words.toml, words.open: 'payée' is compared as 'payee': write that",
        ),
        (
            "[words]\nopen = 'zapłata'\n",
            "words.toml, words.open: 'zapłata' is compared as 'zaplata': write that",
        ),
    ],
)
def test_a_table_with_a_mistake_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(WordListRefused) as refusal:
        lists(tmp_path, text).concepts_by_word("words", CONCEPTS)

    assert str(refusal.value) == reason


def test_a_list_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WordListRefused, match=r"words\.toml, words\.paid: there is no such list"):
        lists(tmp_path, "[words]\nopen = 'solde'\n").words("paid")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_bytes("[words]\nopen = 'payée'\n".encode("latin-1"))

    with pytest.raises(WordListRefused, match=r"words\.toml, notation: 'utf-8' codec can't decode byte 0xe9"):
        WordLists(file).words("open")


def test_a_file_of_the_program_is_named_by_its_place() -> None:
    with pytest.raises(
        WordListRefused, match=r"mapping/vocabulary/words/pl\.toml, words\.none: there is no such list"
    ):
        WordLists(Path(word_lists.__file__).parents[2] / "mapping/vocabulary/words/pl.toml").words("none")


def test_case_and_accents_count_where_the_list_says_so(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[codes]\ncodes = 'FR, NL'\nnames = 'Orléans'\n")

    assert stored.words("codes", "codes", as_written) == ("FR", "NL")
    with pytest.raises(WordListRefused, match="'Orléans' is compared as 'ORLÉANS'"):
        stored.words("names", "codes", str.upper)


def test_lines_of_a_pattern_are_alternatives(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[patterns]\npaid = '''\nregle|pa[iy]e\nbezahlt'''\n")

    assert stored.pattern("paid").pattern == "regle|pa[iy]e|bezahlt"
    assert stored.pattern("paid", r"\b(?:{})\b").fullmatch("bezahlt")
    assert stored.patterns("patterns")["paid"].search("payee")


@pytest.mark.parametrize(
    ("alternatives", "reason"),
    [
        ("paye|(regle", r"words\.toml, patterns\.paid: 'paye\|\(regle' is no pattern: missing \)"),
        ("paye||regle", r"words\.toml, patterns\.paid: an empty alternative"),
        ("paye\n\nregle", r"words\.toml, patterns\.paid: an empty alternative"),
        ("paye|", r"words\.toml, patterns\.paid: an empty alternative"),
        ("", r"words\.toml, patterns\.paid: an empty alternative"),
    ],
)
def test_a_bad_pattern_is_refused(tmp_path: Path, alternatives: str, reason: str) -> None:
    with pytest.raises(WordListRefused, match=reason):
        lists(tmp_path, f"[patterns]\npaid = '''\n{alternatives}'''\n").pattern("paid")


def test_rules_have_scored_results_in_their_order(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[rules]\n'open paid' = ''\nopen = 'amount 0.9, total 0.5'\n")

    assert list(stored.rules("rules", CONCEPTS, {"amount", "total"}).items()) == [
        (frozenset({"open", "paid"}), {}),
        (frozenset({"open"}), {"amount": 0.9, "total": 0.5}),
    ]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("opne = ''", "rules.opne: there is nothing named 'opne'"),
        ("open = 'amuont 0.9'", "rules.open: there is nothing named 'amuont'"),
        ("open = 'amount'", "rules.open: 'amount' has no score between 0 and 1"),
        ("open = 'amount 9'", "rules.open: 'amount 9' has no score between 0 and 1"),
        ("open = ''\n'open paid' = ''", "rules.open paid: never decides: the rule 'open' stands above it"),
    ],
)
def test_a_rule_with_a_mistake_is_refused(tmp_path: Path, rules: str, reason: str) -> None:
    with pytest.raises(WordListRefused) as refusal:
        lists(tmp_path, f"[rules]\n{rules}\n").rules("rules", CONCEPTS, {"amount"})

    assert str(refusal.value) == f"words.toml, {reason}"


@pytest.mark.parametrize(
    ("text", "compared"),
    [("Échéance", "echeance"), ("Łódź", "lodz"), ("Größe", "grosse"), ("πελάτης", "πελατησ"), ("øre", "ore")],
)
def test_words_compare_without_case_and_accents(text: str, compared: str) -> None:
    assert plain(text) == compared


def test_endings_are_patterns_with_what_replaces_them(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[endings]\nwords = 'a > o, (?<=n)a >'\n")

    assert [ending.sub(other, "placena") for ending, other in stored.endings("words")] == [
        "placeno",
        "placen",
    ]
    assert stored.endings("others") == ()
    with pytest.raises(WordListRefused, match=r"words\.toml, endings\.words: .* is no pattern"):
        lists(tmp_path, "[endings]\nwords = '(a > o'\n").endings("words")


def test_a_list_of_concepts_names_known_ones(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[concepts]\nsettled = 'paid, open'\nsigns = 'paid, opne'\n")

    assert stored.members("settled", "concepts", CONCEPTS) == {"open", "paid"}
    with pytest.raises(WordListRefused, match=r"words\.toml, concepts\.signs: there is nothing named 'opne'"):
        stored.members("signs", "concepts", CONCEPTS)


def test_a_word_may_stand_in_several_tables_of_countries(tmp_path: Path) -> None:
    stored = lists(tmp_path, "[cities]\nFR = 'laval, paris'\nCA = 'laval'\n")

    assert stored.all_concepts_by_word("cities") == {"laval": {"FR", "CA"}, "paris": {"FR"}}
