"""Every sentence of the catalogue is in both languages, and says the same facts in each."""

import ast
import pickle
import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from pydantic import TypeAdapter

import getbill
from getbill.kit.errors import ERRORS_MAX, FieldError, Invalid, refusal
from getbill.kit.messages import translation
from getbill.kit.messages.translation import (
    VALUE,
    Message,
    counted,
    excerpt,
    joined,
    message,
    negotiated,
    preferred,
)

HOME = Path(getbill.__file__).parent
IMPORTED = re.compile(r"from getbill\.kit\.messages import|from getbill\.kit import [^\n]*\bmessages\b")
MAKERS = {"message": [1], "template": [1, 2], "counted": [2]}
# The context of the texts that debtors read, and the languages of these texts besides English.
DEBTOR = "debtor"

# The context and the templates of a message: singular and plural where a number decides.
Sentence = tuple[str | None, tuple[str, ...]]


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call that makes a message, with its place."""
    for path in sorted(HOME.rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("messages.") in MAKERS:
                place = str(path.relative_to(HOME))
                if place != "kit/messages/translation.py" and IMPORTED.search(text):
                    yield f"{place}:{node.lineno}", node


def is_template(call: ast.Call) -> bool:
    """Whether a call marks a template of a table, whose facts come later."""
    return ast.unparse(call.func).endswith("template")


def sentence_of(call: ast.Call) -> Sentence | None:
    """The context and templates of a call, where they are constants."""
    numbers = MAKERS[ast.unparse(call.func).rpartition(".")[2]]
    contexts = [keyword.value for keyword in call.keywords if is_template(call)]
    constants = [
        part.value
        for part in [*call.args, *contexts]
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    if len(constants) != len(call.args) + len(contexts) or len(call.args) not in numbers:
        return None
    return (constants[-1] if contexts else None), tuple(constants[: len(call.args)])


def names_in(text: str) -> set[str]:
    """The placeholders of a template."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return set()


def catalogue(language: str) -> dict[Sentence, tuple[str, ...]]:
    """The translations of a language."""
    with (HOME / "locales" / language / "LC_MESSAGES" / "getbill.po").open("rb") as file:
        text = file.read()
    entries = read_po(BytesIO(text), locale=language, abort_invalid=True)
    assert text.count(b"\nmsgid ") == len(entries) + 1, "An entry stands twice."
    return {
        (entry.context, entry.id if isinstance(entry.id, tuple) else (entry.id,)): (
            entry.string if isinstance(entry.string, tuple) else (entry.string or "",)
        )
        for entry in entries
        if entry.id
    }


@pytest.fixture(scope="module")
def sentences() -> dict[Sentence, str]:
    """Every sentence of the code, and a place of it."""
    return {sentence: place for place, call in calls() if (sentence := sentence_of(call))} | {
        (None, (VALUE.template,)): "kit/messages/translation.py"
    }


@pytest.fixture(scope="module")
def french() -> dict[Sentence, tuple[str, ...]]:
    """The French of the catalogue."""
    return catalogue("fr")


def test_every_template_is_a_constant() -> None:
    computed = [place for place, call in calls() if sentence_of(call) is None]

    assert not computed, f"Write the template as one constant, and its values as facts: {computed}"


def test_every_template_is_filled_in_with_just_the_facts_it_names() -> None:
    wrong = []
    for place, call in calls():
        sentence, facts = sentence_of(call), {keyword.arg for keyword in call.keywords}
        if sentence is None or None in facts or not facts or is_template(call):
            continue
        if set.union(*map(names_in, sentence[1])) | ({"count"} & facts) != facts:
            wrong.append(place)

    assert not wrong, f"The facts are not those that the template names: {wrong}"


def missing_entries(
    sentences: dict[Sentence, str], translations: dict[Sentence, tuple[str, ...]]
) -> list[str]:
    """The entries that a catalogue lacks, as they are written there."""
    return [
        f'#: {place}\n{f"msgctxt {context!r}" if context else ""}\nmsgid "{texts[0]}"\nmsgstr ""'
        for (context, texts), place in sentences.items()
        if (context, texts) not in translations
    ]


def test_every_sentence_has_its_french(sentences, french) -> None:
    missing = missing_entries(sentences, french)

    assert not missing, "Add to locales/fr/LC_MESSAGES/getbill.po:\n" + "\n\n".join(missing)


def test_no_french_is_left_over(sentences, french) -> None:
    assert sorted(map(str, french.keys() - sentences.keys())) == []


@pytest.mark.parametrize("language", ["de", "es"])
def test_what_debtors_read_is_in_their_language_too(sentences, language: str) -> None:
    for_debtors = {sentence: place for sentence, place in sentences.items() if sentence[0] == DEBTOR}
    translations = catalogue(language)

    missing = missing_entries(for_debtors, translations)
    assert for_debtors
    assert not missing, f"Add to locales/{language}/LC_MESSAGES/getbill.po:\n" + "\n\n".join(missing)
    assert translations.keys() == for_debtors.keys()


@pytest.mark.parametrize("language", ["fr", "de", "es"])
def test_a_translation_says_the_same_facts_in_other_words(language: str) -> None:
    for (_, english), translated in catalogue(language).items():
        assert all(translated), english
        assert set.union(*map(names_in, translated)) == set.union(*map(names_in, english)), english
        assert all(text[-1:] == translated[0][-1:] for text in translated), english
        if english[0].endswith((".", "?")):
            assert english[0][-1] == translated[0][-1], english
            assert english != translated or english == ("{title} ({code}).",), english
        elif len(english) == 1:
            assert not translated[0].endswith("."), english


def test_a_message_is_its_english_sentence_and_knows_its_french() -> None:
    output = message("There is no debt {debt}.", debt="debt_1")

    assert output == "There is no debt debt_1."
    assert (type(str(output)), str(output)) == (str, "There is no debt debt_1.")
    assert output.translated("fr") == "La créance debt_1 n'existe pas."
    assert output.translated("de") == output


def test_facts_are_translated_too_and_lists_have_commas() -> None:
    output = message("{subject} must be one of: {allowed}.", subject=VALUE, allowed=["a", "b"])

    assert output == "The value must be one of: a, b."
    assert output.translated("fr") == "La valeur doit avoir une de ces valeurs : a, b."
    named = output.with_subject(message("The field '{field}'", field="status"))
    assert named.translated("fr") == "Le champ « status » doit avoir une de ces valeurs : a, b."


@pytest.mark.parametrize(
    ("count", "english", "french"), [(1, "entry", "élément"), (2, "entries", "éléments")]
)
def test_one_is_worded_otherwise_than_several(count: int, english: str, french: str) -> None:
    output = counted(
        "{subject} must have at least {count} entry.",
        "{subject} must have at least {count} entries.",
        count=count,
        subject=VALUE,
    )

    assert output == f"The value must have at least {count} {english}."
    assert output.translated("fr") == f"La valeur doit compter au moins {count} {french}."


@pytest.mark.parametrize(
    ("count", "french"),
    [
        (0, "0 ligne est masquée dans la feuille et a été laissée de côté."),
        (1, "1 ligne est masquée dans la feuille et a été laissée de côté."),
        (2, "2 lignes sont masquées dans la feuille et ont été laissées de côté."),
    ],
)
def test_a_template_of_a_table_keeps_its_plural(count: int, french: str) -> None:
    hidden = translation.template(
        "{count} row is hidden in the sheet and was skipped.",
        "{count} rows are hidden in the sheet and were skipped.",
    )

    assert hidden.filled({"count": count}).translated("fr") == french


def test_a_context_keeps_two_uses_of_one_text_apart() -> None:
    field = translation.template("company", context="field").filled({})

    assert (field, field.translated("fr")) == ("company", "société")
    assert message("company").translated("fr") == "entreprise"
    assert field.in_each_language() == {"en": "company", "fr": "société"}


def test_a_language_without_a_translation_reads_english() -> None:
    said = message("There is no debt {debt}.", debt="debt_1")

    assert (said.translated("es"), said.translated("it")) == (said, said)
    assert [translation.locale_of(language) for language in ("fr", "fr-CA", "de", "en")] == [
        "fr",
        "fr",
        "en",
        "en",
    ]


def test_braces_stay_where_a_template_names_nothing() -> None:
    assert (
        message("An AI call must begin with {{ disclosure }}.").translated("fr").endswith("{{ disclosure }}.")
    )


def test_a_message_crosses_to_another_process() -> None:
    output = joined(
        [
            message("There is no debt {debt}.", debt="debt_1"),
            translation.Template("company", context="field").filled({}),
        ]
    )

    arrived = pickle.loads(pickle.dumps(output))  # noqa: S301 - our own

    assert (arrived, arrived.translated("fr")) == (output, "La créance debt_1 n'existe pas. société")
    refused = Invalid(output, errors=[FieldError("/a", "b", output)])
    assert pickle.loads(pickle.dumps(refused)).document("fr") == refused.document("fr")  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("a\x00b\u202ec", "a\ufffdb\ufffdc"),
        ("x" * 101, "x" * 100 + "…"),
        (None, "null"),
        (True, "true"),
        (["é", 1], '["é", 1]'),
        (date(1900, 1, 1), '"1900-01-01"'),
    ],
)
def test_what_a_caller_sent_is_repeated_short_and_as_they_wrote_it(value: object, expected: str) -> None:
    assert excerpt(value) == expected


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, None),
        ("", None),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("en-GB, fr;q=0.9", "en"),
        ("fr;q=0.8, en;q=0.9", "en"),
        ("de, fr;q=0.3, en;q=0.2", "fr"),
        ("fr, en", "fr"),
        ("en;q=0.5, fr;q=0.5", "en"),
        ("de", None),
        ("fr;q=0", None),
        ("fr;q=0, en;q=0.1", "en"),
        ("*", "en"),
        ("en;q=0, *", "fr"),
        ("de, *;q=0.1", "en"),
        ("fr ; q=1.000 , en", "fr"),
        ("fr;q=2", None),
        ("nonsense;;q=,fr", "fr"),
        ("frx", None),
        ("x" * 1001 + ", fr", None),
    ],
)
def test_the_language_is_the_one_that_is_accepted_most(header: str | None, language: str | None) -> None:
    assert (preferred(header), negotiated(header)) == (language, language or "en")


def test_a_refusal_lists_a_hundred_errors_and_says_how_many_there_are() -> None:
    wrong = [FieldError(f"/{place}", "unknown-field", VALUE) for place in range(ERRORS_MAX + 1)]

    body = refusal(wrong).document()

    assert (len(body["errors"]), body["errors_total"]) == (ERRORS_MAX, ERRORS_MAX + 1)
    assert "errors_total" not in refusal(wrong[:ERRORS_MAX]).document()


def test_no_message_is_made_of_a_text_alone() -> None:
    with pytest.raises(TypeError):
        Message("The value")  # type: ignore[call-arg]
    assert TypeAdapter(str).validate_python(VALUE) == VALUE
