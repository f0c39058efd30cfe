"""What pydantic finds wrong is said in our words, whatever it is."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import InitErrorDetails
from pydantic_core import _pydantic_core as core

import getbill
from getbill.kit.errors import WrongValue
from getbill.kit.http.bodies import json_bodies, wrong_fields
from getbill.kit.http.paths import routes_of
from getbill.kit.messages.translation import VALUE, message
from getbill.kit.validation import (
    CODES,
    HANDLED_TYPES,
    error_sentence,
    pattern_field,
    pattern_messages,
    wrong_field,
)
from getbill.process.app import create_app
from getbill.settings import Settings

# Of pydantic's own wording, of Python's, and of regular expressions.
FOREIGN = re.compile(
    r"Input should|Value error|Assertion|instance of|after validation|Field required|not permitted|valid string"
    r"|datetime\.|Decimal\(|\bNone\b|\bTrue\b|\bFalse\b|\[\^|\\[dwxs]|Body\b|object at 0x|validator|NoneType"
)
ERRORS = {error["type"]: error for error in core.list_all_errors()}
# Words for which there is no better one.
OURS_TOO = {"missing", "too-short", "too-long"}
HOME = Path(getbill.__file__).parent


def test_every_type_of_error_has_a_sentence() -> None:
    assert sorted(ERRORS.keys() - HANDLED_TYPES) == [], (
        "Give it a sentence in kit/validation.py, and its French."
    )


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_no_error_speaks_pydantics_words(kind: str) -> None:
    facts = ERRORS[kind]["example_context"]
    context = {name: value if value is not None else "Leaked" for name, value in (facts or {}).items()}
    if "error" in context:
        context["error"] = ValueError("Leaked")
    for name in {"pattern", "class_name", "class", "method_name"} & context.keys():
        context[name] = "Leaked"

    output = error_sentence({"type": kind, "ctx": context}, VALUE)

    for text in (output, output.translated("fr")):
        assert not FOREIGN.search(text), text
        assert "Leaked" not in text.replace("[Leaked]", ""), text
    assert output.startswith("The value ")
    assert output.translated("fr").startswith("La valeur ")


def test_an_error_that_nobody_knows_still_says_nothing_foreign() -> None:
    assert (
        error_sentence({"type": "of_tomorrow", "msg": "Input should be"}, VALUE) == "The value is not valid."
    )


class Color(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """A model inside another."""

    model_config = ConfigDict(extra="forbid")

    day: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))] | None = None


class Sample(BaseModel):
    """Fields of many kinds."""

    model_config = ConfigDict(extra="forbid")

    needed: str
    word: Annotated[str, Field(min_length=1, max_length=3)] | None = None
    stripped: Annotated[str, BeforeValidator(str.strip), Field(min_length=1)] | None = None
    color: Color | None = None
    kind: Literal["a", "it's"] | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=9)] | None = None
    part: Annotated[Decimal, Field(gt=0, max_digits=4, decimal_places=2)] | None = None
    ratio: Annotated[float, Field(lt=1.0, allow_inf_nan=False)] | None = None
    at: AwareDatetime | None = None
    inner: Inner | None = None
    since: Annotated[date, BeforeValidator(lambda value: value), Field(ge=date(1900, 1, 1))] | None = None
    either: Annotated[Inner | list[str] | None, Field()] = None
    many: Annotated[list[Annotated[int, Field(strict=True)]], Field(min_length=1, max_length=2)] | None = None
    named: dict[str, str] | None = None


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "/needed", "The field 'needed' is required.", "Le champ « needed » est obligatoire."),
    (
        {"wrod": 1},
        "/wrod",
        "There is no field 'wrod' here. Check its spelling, or omit it.",
        "Le champ « wrod » n'existe pas ici. Vérifiez son orthographe, ou omettez-le.",
    ),
    (
        {"word": ""},
        "/word",
        "The field 'word' must not be empty.",
        "Le champ « word » ne doit pas être vide.",
    ),
    (
        {"word": "four"},
        "/word",
        "The field 'word' must have at most 3 characters.",
        "Le champ « word » doit compter au plus 3 caractères.",
    ),
    (
        {"stripped": " "},
        "/stripped",
        "The field 'stripped' must not be empty.",
        "Le champ « stripped » ne doit pas être vide.",
    ),
    (
        {"word": 1},
        "/word",
        "The field 'word' must be a string.",
        "Le champ « word » doit être une chaîne de caractères.",
    ),
    (
        {"color": "green"},
        "/color",
        "The field 'color' must be one of: red, blue.",
        "Le champ « color » doit avoir une de ces valeurs : red, blue.",
    ),
    (
        {"kind": "b"},
        "/kind",
        "The field 'kind' must be one of: a, it's.",
        "Le champ « kind » doit avoir une de ces valeurs : a, it's.",
    ),
    (
        {"count": 0},
        "/count",
        "The field 'count' must be 1 or more.",
        "Le champ « count » doit être au moins 1.",
    ),
    (
        {"count": 1.5},
        "/count",
        "The field 'count' must be an integer, such as 3.",
        "Le champ « count » doit être un nombre entier, comme 3.",
    ),
    (
        {"part": Decimal("1.234")},
        "/part",
        "The field 'part' must have at most 2 decimals.",
        "Le champ « part » doit compter au plus 2 décimales.",
    ),
    (
        {"part": 0},
        "/part",
        "The field 'part' must be more than 0.",
        "Le champ « part » doit être supérieur à 0.",
    ),
    (
        {"ratio": 1},
        "/ratio",
        "The field 'ratio' must be less than 1.",
        "Le champ « ratio » doit être inférieur à 1.",
    ),
    (
        {"at": "2024-01-15T00:00:00"},
        "/at",
        "The field 'at' must be an instant with its time zone, such as 2024-03-15T14:32:07Z.",
        "Le champ « at » doit être un instant avec son fuseau horaire, comme 2024-03-15T14:32:07Z.",
    ),
    (
        {"inner": {"day": date(1899, 1, 1)}},
        "/inner/day",
        "The field 'day' must be 1900-01-01 or later.",
        "Le champ « day » doit être au plus tôt 1900-01-01.",
    ),
    (
        {"since": date(1899, 1, 1)},
        "/since",
        "The field 'since' must be 1900-01-01 or later.",
        "Le champ « since » doit être au plus tôt 1900-01-01.",
    ),
    (
        {"inner": "x"},
        "/inner",
        "The field 'inner' must be an object.",
        "Le champ « inner » doit être un objet.",
    ),
    (
        {"either": {"dya": 1}},
        "/either/dya",
        "There is no field 'dya' here. Check its spelling, or omit it.",
        "Le champ « dya » n'existe pas ici. Vérifiez son orthographe, ou omettez-le.",
    ),
    (
        {"many": []},
        "/many",
        "The field 'many' must have at least 1 entry.",
        "Le champ « many » doit compter au moins 1 élément.",
    ),
    (
        {"many": [1, "two"]},
        "/many/1",
        "An entry of 'many' must be an integer, such as 3.",
        "Un élément de « many » doit être un nombre entier, comme 3.",
    ),
    (
        {"named": {"a": 1}},
        "/named/a",
        "The field 'a' must be a string.",
        "Le champ « a » doit être une chaîne de caractères.",
    ),
]


@pytest.mark.parametrize(("body", "pointer", "english", "french"), WRONG)
def test_a_wrong_field_is_named_with_what_would_be_right(
    body: dict[str, Any], pointer: str, english: str, french: str
) -> None:
    sent = body if pointer == "/needed" else {"needed": "yes"} | body
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Sample).validate_python(sent)

    report = {item.pointer: item.detail for item in wrong_fields(refused.value, sent)}

    assert (report[pointer], report[pointer].translated("fr")) == (english, french)


def test_a_validators_own_sentence_names_its_field() -> None:
    wrong = WrongValue(message("{subject} must not be zero.", subject=VALUE))
    error = ValidationError.from_exception_data(
        "Sample", [InitErrorDetails(type="value_error", loc=("amount",), input=0, ctx={"error": wrong})]
    )

    (report,) = wrong_fields(error, {"amount": 0})

    assert report.detail.translated("fr") == "Le champ « amount » ne doit pas être égal à zéro."


def validators_modules() -> Iterator[Path]:
    """The modules that pydantic calls into."""
    for path in HOME.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "pydantic"
            for name in node.names
        }
        if imported & {"AfterValidator", "BeforeValidator", "field_validator", "model_validator"}:
            yield path


def test_validators_raise_messages() -> None:
    operators = {"channels/senders/gateway_settings.py", "channels/senders/smtp.py", "settings.py"}
    wrong = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in validators_modules()
        if str(path.relative_to(HOME)) not in operators
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func) in {"ValueError", "TypeError", "AssertionError"}
    ]

    assert not wrong, f"Raise WrongValue(message(...)): {wrong}"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The API, not started."""
    return create_app(Settings(_env_file=None))


def test_every_pattern_of_a_body_is_put_in_words(app) -> None:
    patterns: set[str] = set()
    for route in routes_of(app):
        for reader in json_bodies(route):
            patterns |= set(_patterns(TypeAdapter(reader.model).json_schema()))

    assert sorted(patterns - pattern_messages().keys()) == [], (
        "Declare it by kit.validation.formed(pattern, message)."
    )


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for member in schema.values():
            yield from _patterns(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from _patterns(member)


def test_a_pattern_has_one_form_of_words() -> None:
    with pytest.raises(ValueError, match="in words already"):
        pattern_field("^[A-Za-z]{2}$", message("{subject} must be something else.", subject=VALUE))


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_no_error_has_pydantics_code(kind: str) -> None:
    facts = ERRORS[kind]["example_context"] or {}
    context = {name: ValueError("x") if name == "error" else value for name, value in facts.items()}

    result = wrong_field({"type": kind, "ctx": context}, "/field", VALUE)

    assert result.code in CODES
    assert result.code in OURS_TOO or result.code != kind.replace("_", "-")
    assert not re.search(r"error|parsing|mismatch|-type$|literal|decimal-max|equal", result.code)
