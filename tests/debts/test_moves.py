"""The status of a debt moves along one table, and nobody else writes it or knows its words."""

import ast
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architecture.source import Module, modules
from calls import Site
from getbill.debts.model import (
    CLOSED,
    CONTACTABLE,
    RESUMABLE,
    STATUSES,
    TRANSITIONS,
    MoveNotAllowed,
    Status,
    StatusName,
    transition,
)

# Words of other vocabularies, or published examples.
ELSEWHERE = {
    "contacts/callbacks/api.py": "the status of a followup",
    "contacts/callbacks/jobs.py": "the status of a followup",
    "contacts/sending/apply.py": "the status of a followup",
    "contacts/sending/settlement.py": "the status of a followup",
    "debts/wire/example.py": "the published example",
    "followups/actions.py": "the status of a followup",
    "followups/manual.py": "the status of a followup",
    "followups/model.py": "the status of a followup",
    "followups/queries.py": "the status of a followup",
    "followups/wire.py": "the status of a followup",
    "reports/queries.py": "a column that counts resolved debts",
    "reports/wire.py": "the published example",
    "webhooks/deliveries/ledger.py": "the state of a delivery",
    "webhooks/delivery_log/queries.py": "the state of a delivery",
    "webhooks/delivery_log/statistics_schemas.py": "the state of a delivery",
    "webhooks/model.py": "the state of a delivery",
}
_WORDS = "|".join(STATUSES)
_SQL_WORD = re.compile(rf"'({_WORDS})'")


@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_a_move_is_made_if_the_table_has_it_and_refused_otherwise(before: Status, after: Status) -> None:
    if after in TRANSITIONS[before]:
        assert transition(before, after) is after
    else:
        with pytest.raises(MoveNotAllowed):
            transition(before, after)


def test_every_status_is_reached_from_a_new_debt_and_none_is_final() -> None:
    reached, frontier = {Status.PENDING}, {Status.PENDING}
    while frontier:
        frontier = {after for before in frontier for after in TRANSITIONS[before]} - reached
        reached |= frontier

    assert reached == set(STATUSES) == set(TRANSITIONS)
    assert not [status for status, after in TRANSITIONS.items() if not after]


def test_the_archive_is_left_for_no_status_in_which_anybody_is_contacted() -> None:
    assert TRANSITIONS[Status.ARCHIVED] == {Status.RESOLVED, Status.ON_HOLD}


def test_a_resolved_debt_may_return_to_wherever_it_stood() -> None:
    stood = {before for before, after in TRANSITIONS.items() if Status.RESOLVED in after}

    assert TRANSITIONS[Status.RESOLVED] == stood == set(STATUSES) - {Status.RESOLVED}


def test_no_status_may_follow_itself() -> None:
    assert not [status for status, after in TRANSITIONS.items() if status in after]


def test_a_debt_without_a_contactable_status_may_become_contactable_or_is_closed_for_good() -> None:
    for status in set(STATUSES) - CONTACTABLE - {Status.ARCHIVED}:
        assert TRANSITIONS[status] & CONTACTABLE, status
    assert all(TRANSITIONS[status] >= CONTACTABLE for status in RESUMABLE)
    assert Status.ARCHIVED in CLOSED


def test_the_schemas_name_every_status() -> None:
    assert set(get_args(StatusName)) == set(STATUSES)


async def test_the_database_allows_exactly_the_statuses_of_the_table(site: Site) -> None:
    constraint = await site.app.state.database.pool.fetchval(
        """
        SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'debts'::regclass AND contype = 'c' AND conname = 'debts_status_check'
        """
    )

    assert set(re.findall(r"'(\w+)'", constraint)) == set(STATUSES)


def _status_words(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if node.value in TRANSITIONS or _SQL_WORD.search(node.value):
            yield f"{module.name}:{node.lineno}"


def test_no_status_is_spelled_outside_the_model() -> None:
    wrong = [
        place
        for module in modules()
        if module.name not in ELSEWHERE and module.name != "debts/model.py"
        for place in _status_words(module)
    ]

    assert not wrong, f"Take the word from debts.Status, also as a parameter of SQL: {wrong}"


def test_every_exemption_is_needed() -> None:
    spelled = {place.partition(":")[0] for module in modules() for place in _status_words(module)}

    assert not ELSEWHERE.keys() - spelled


def test_only_a_move_of_the_table_writes_the_status_of_a_debt() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        and any(_is_status_of_a_debt(target) for target in node.targets)
        and not _is_transition(node.value)
        # A row of the database has its word already.
        and module.name != "debts/queries.py"
    ]

    assert not wrong, f"Assign transition(before, after): {wrong}"


def _is_status_of_a_debt(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Attribute) and target.attr == "status" and "debt" in ast.unparse(target.value)
    )


def _is_transition(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "transition"


def test_no_statement_changes_the_status_of_a_debt_past_its_row() -> None:
    """Only `debts.model` has statements that write the column, made from the dataclass."""
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"UPDATE debts\b[^;]*?\bSET\b[^;]*?\bstatus\s*=", node.value, re.DOTALL)
    ]

    assert not wrong, f"Move the locked debt instead: {wrong}"
