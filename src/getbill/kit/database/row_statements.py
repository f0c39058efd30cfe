"""Statements that write rows, made from the dataclass whose fields are the columns."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_type_hints
from uuid import UUID

from getbill.kit.database.transactions import Statement

# An integer column takes a bigint by assignment.
_SQL_TYPES: Mapping[Any, str] = {
    UUID: "uuid",
    str: "text",
    bytes: "bytea",
    int: "bigint",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
}


def column_types(record: type, names: Iterable[str]) -> dict[str, str]:
    """Return the SQL type of each named field of a dataclass."""
    hints = get_type_hints(record)
    return {name: _sql_type(_without_null(hints[name])) for name in names}


def _sql_type(hint: Any) -> str:
    return _SQL_TYPES[str if issubclass(hint, StrEnum) else hint]


def _without_null(hint: Any) -> Any:
    return next((part for part in get_args(hint) if part is not NoneType), hint)


def insert_statement(name: str, sentence: str, table: str, columns: Iterable[str]) -> Statement:
    """Return a plain insert, whose form for many rows is COPY; its arguments are in the order of the columns."""
    columns = list(columns)
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return Statement(name, sentence, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")


def update_statement(
    name: str, sentence: str, table: str, keys: Mapping[str, str], columns: Mapping[str, str]
) -> Statement:
    """Return an update of one row or many of a workspace, found by `keys`, of which the workspace is the first.

    Its arguments are the keys, then the columns.
    """
    numbers = {column: f"${number}" for number, column in enumerate([*keys, *columns], start=1)}
    changes = ", ".join(f"{column} = {numbers[column]}" for column in columns)
    condition = " AND ".join(f"{column} = {numbers[column]}" for column in keys)
    workspace, *row_keys = keys
    types = {column: sql_type for column, sql_type in {**keys, **columns}.items() if column != workspace}
    # Within a subquery the length of an array is unknown to the planner. One that knows it, but has no statistics
    # yet, reads the whole workspace instead of each row by its key.
    arrays = ", ".join(f"(SELECT {numbers[column]}::{sql_type}[])" for column, sql_type in types.items())
    return Statement(
        name,
        sentence,
        f"UPDATE {table} SET {changes} WHERE {condition}",
        f"UPDATE {table} old SET {', '.join(f'{column} = new.{column}' for column in columns)}"
        f" FROM unnest({arrays}) AS new ({', '.join(types)})"
        f" WHERE old.{workspace} = {numbers[workspace]}"
        f" AND {' AND '.join(f'old.{column} = new.{column}' for column in row_keys)}",
    )
