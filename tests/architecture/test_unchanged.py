"""What others rely on is what it was before the code was renamed: the API, the samples of events, the database.

The data beside this file is of the last commit before that work. With `RECORD=1` the tests write it anew; it is deleted with this test once the work is over.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import asyncpg
import orjson

import getbill

BEFORE = Path(__file__).with_name("before")
SAMPLES = Path(getbill.__file__).parent / "events" / "samples"
# Said in words that may be bettered.
WORDS = {"description", "summary", "title"}
COLUMNS = """
    SELECT table_name || '.' || column_name AS name,
           concat_ws(' ', data_type, udt_name, is_nullable, column_default, is_generated, generation_expression) AS is
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name !~ '_\\d{4}_?\\d\\d_?\\d\\d$'
"""
INDEXES = "SELECT indexname AS name, indexdef AS is FROM pg_indexes WHERE schemaname = 'public' AND indexname !~ '\\d{4}_?\\d\\d_?\\d\\d'"
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname AS name, pg_get_constraintdef(oid) AS is
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ '\\d{4}_?\\d\\d_?\\d\\d'
"""


def test_the_api_is_what_it_was(installation) -> None:
    document = Document(installation.site.app.openapi()).plain()

    assert document == recorded("openapi", document)


def test_the_samples_of_events_are_what_they_were() -> None:
    samples = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in SAMPLES.iterdir()}

    assert samples == recorded("samples", samples)


async def test_the_database_is_what_it_was(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    queries = (COLUMNS, INDEXES, CONSTRAINTS)
    catalog = {row["name"]: row["is"] for query in queries for row in await connection.fetch(query)}
    await connection.close()

    assert catalog == recorded("catalog", catalog)


def recorded(name: str, value: Any) -> Any:
    path = BEFORE / f"{name}.json"
    if os.environ.get("RECORD"):
        BEFORE.mkdir(exist_ok=True)
        path.write_bytes(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    return orjson.loads(path.read_bytes())


class Document:
    """An OpenAPI document without its words, each schema where it is first used, under the number of its turn."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.schemas = document["components"]["schemas"]
        self.parts = {key: document[key] for key in ("paths", "webhooks")}
        self.securities = document["components"].get("securitySchemes", {})
        self.numbers: dict[str, int] = {}

    def plain(self) -> dict[str, Any]:
        return {
            **{key: self._of(part, key) for key, part in self.parts.items()},
            "security": sorted(self.securities),
        }

    def _of(self, value: Any, key: str) -> Any:
        if key == "required" and isinstance(value, list) and all(isinstance(name, str) for name in value):
            # A set, by JSON Schema; its order is that of the class.
            return sorted(value)
        if isinstance(value, list):
            return [self._of(element, "") for element in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value and value["$ref"].startswith("#/components/schemas/"):
            return self._schema(value["$ref"].rpartition("/")[2])
        named = key in {"properties", "paths", "webhooks", "responses"}
        return {
            name: self._of(part, name if not named else "")
            for name, part in sorted(value.items())
            if named or (not (name in WORDS and isinstance(part, str)) and name != "mapping")
        }

    def _schema(self, name: str) -> Any:
        if name in self.numbers:
            return f"schema {self.numbers[name]}"
        self.numbers[name] = len(self.numbers)
        return {"schema": self.numbers[name], **self._of(self.schemas[name], "")}
