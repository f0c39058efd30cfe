"""Tables of moves: what may follow each state stands in a `model`, and every statement and module keeps to it.

A package joins with an entry of `COLUMNS`. It needs, in its `model`: the states as a StrEnum (or constants), the table
`TRANSITIONS` (each state with those that may follow it; a row may always keep its state), and `transition`, which
raises on a move that the table does not have. Then:

- SQL may name states. What it writes must be able to follow every state that its WHERE lets through. What it writes
  as a parameter must be compared with the state before (`state = $4`), in a module that calls `transition`.
- Python names states by the model's constants alone. A module in which such a word means something else is listed in
  `elsewhere`, with the words and the reason.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from architecture.moves import Column, faults, writes_at_run_time
from architecture.source import Module, modules
from architecture.test_tenancy import statements
from getbill.contacts import model as contacts
from getbill.imports import model as imports
from getbill.kit.database.transactions import Statement
from getbill.sftp import model as sftp
from getbill.webhooks import model as webhooks

Moves = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class StateColumn:
    """A column of states, whose package it is, and its table of moves."""

    package: str
    table: str
    column: str
    moves: Moves
    # What a new row may begin with.
    first: frozenset[str]
    # Modules of the package in which these words mean something else, with the reason.
    elsewhere: Mapping[str, tuple[frozenset[str], str]] = field(default_factory=dict)
    # The column that it is always written with, and whose comparison counts for both.
    beside: str = ""
    # Statements that write rows which an object of the model has moved before, by its `transition`; with the reason
    # why the row is still in the state that the object was in.
    moved_before: Mapping[str, str] = field(default_factory=dict)

    @property
    def read(self) -> Column:
        """The column as statements are read for it."""
        return Column(self.table, self.column, frozenset(map(str, self.moves)), self.beside)

    @property
    def table_of_moves(self) -> dict[str, frozenset[str]]:
        """The table, in plain words."""
        return {str(before): frozenset(map(str, after)) for before, after in self.moves.items()}

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def words(*texts: str) -> frozenset[str]:
    """Some words."""
    return frozenset(texts)


# A task follows from the state it is written with, in `transition`: here it may follow any other.
TASK_MOVES = {task: frozenset(imports.Task) for task in imports.Task}
COLUMNS = [
    StateColumn(
        "imports",
        "imports",
        "state",
        imports.TRANSITIONS,
        words("uploaded"),
        {
            "imports/serializers.py": (words("undone"), "the number of rows that were undone"),
            "imports/batch/wire.py": (words("completed", "failed", "undone"), "the `status` of a batch"),
        },
    ),
    StateColumn(
        "imports",
        "imports",
        "task",
        TASK_MOVES,
        words("read"),
        {
            "imports/api.py": (words("import"), "the prefix of an id"),
            "imports/model.py": (words("import"), "the prefix of an id"),
            "imports/rows/failures.py": (words("import"), "the kind of an item in quarantine"),
            "imports/runs/jobs.py": (words("import"), "the kind of an item in quarantine"),
        },
        beside="state",
    ),
    StateColumn(
        "webhooks",
        "webhook_log",
        "state",
        webhooks.TRANSITIONS,
        # A pending delivery is a row of `webhook_deliveries`; the log begins with its outcome.
        frozenset(map(str, webhooks.TRANSITIONS[webhooks.DeliveryState.PENDING])),
        {
            "webhooks/delivery_log/statistics_schemas.py": (
                words("pending", "delivered", "exhausted", "cancelled"),
                "the numbers of deliveries in each state",
            ),
            "webhooks/replays/schemas.py": (
                words("delivered", "exhausted"),
                "the `status` of a test, and an example of a body",
            ),
        },
    ),
    StateColumn("sftp", "sftp_files", "state", sftp.TRANSITIONS, words("open")),
    StateColumn(
        "contacts",
        "contacts",
        "state",
        contacts.TRANSITIONS,
        words("planned", "skipped"),
        {
            "contacts/callbacks/status_callbacks.py": (
                words("delivered", "failed"),
                "the status of a followup",
            ),
            "contacts/callbacks/wire.py": (
                words("delivered", "answered", "failed"),
                "the `status` that a gateway reports",
            ),
            "contacts/failures.py": (words("sending"), "the kind of an item in quarantine"),
            "contacts/handovers.py": (words("answered"), "how far a hand-over came"),
            "contacts/in_doubt.py": (words("failed"), "the status of a followup"),
            "contacts/sending/settlement.py": (words("delivered", "failed"), "the status of a followup"),
            "contacts/wire.py": (
                words("planned", "stopped"),
                "a list of the answer, and the switch of contact",
            ),
        },
        moved_before={
            "contacts.insert_contact": "a new row",
            "contacts.update_contacts": "`lock_unchanged` and `lock_due` hold it in the state of the object",
        },
    ),
]


def _texts(statement: Statement) -> Iterator[str]:
    yield from filter(None, (statement.text, statement.many))


def _column_name(entry: StateColumn) -> str:
    return str(entry)


@pytest.mark.parametrize("entry", COLUMNS, ids=_column_name)
def test_every_statement_keeps_to_the_table_of_moves(entry: StateColumn) -> None:
    wrong = []
    names_a_state = False
    for statement in statements():
        is_of_package = statement.name.split(".")[0] == entry.package and entry.column == "state"
        for text in _texts(statement):
            names_a_state |= entry.table in text
            found = faults(text, entry.read, entry.table_of_moves, entry.first, is_of_package=is_of_package)
            if statement.name not in entry.moved_before:
                wrong += [f"{statement.name} {fault}" for fault in found]

    assert names_a_state
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("entry", COLUMNS, ids=_column_name)
def test_what_is_written_at_run_time_went_through_the_transition(entry: StateColumn) -> None:
    wrong = [
        statement.name
        for statement in statements()
        if statement.name not in entry.moved_before
        and any(writes_at_run_time(text, entry.read) for text in _texts(statement))
        and not any(_calls_transition(module) for module in modules() if f'"{statement.name}"' in module.text)
    ]

    assert not wrong, f"Call `transition` in the module of {wrong}, or write the state as a word."
    assert entry.moved_before.keys() <= {statement.name for statement in statements()}, (
        "moved_before is stale"
    )


def _calls_transition(module: Module) -> bool:
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "transition"
        for node in ast.walk(module.tree)
    )


@pytest.mark.parametrize("entry", COLUMNS, ids=_column_name)
def test_no_module_but_the_model_spells_a_state(entry: StateColumn) -> None:
    wrong = []
    met: dict[str, set[str]] = {}
    for module in modules():
        if module.concept != entry.package:
            continue
        allowed = entry.elsewhere.get(module.name, (frozenset[str](), ""))[0]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and node.value in entry.read.values:
                if node.value in allowed:
                    met.setdefault(module.name, set()).add(node.value)
                elif module.name != f"{entry.package}/model.py":
                    wrong.append(f"{module.place(node)}: {node.value!r}")

    assert not wrong, "Name the state by the model's constant:\n" + "\n".join(wrong)
    assert met == {name: set(listed) for name, (listed, _) in entry.elsewhere.items()}, "elsewhere is stale"


@pytest.mark.parametrize("entry", COLUMNS, ids=_column_name)
def test_every_state_is_reached(entry: StateColumn) -> None:
    table, reached = entry.table_of_moves, set(entry.first)
    while more := {after for state in reached for after in table[state]} - reached:
        reached |= more

    begins = {before for before, after in table.items() if entry.first <= after} - reached
    assert reached | begins == table.keys()


COLUMN = Column("files", "state", words("open", "whole", "taken"))
MOVES = {"open": words("whole"), "whole": words("taken"), "taken": words()}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("UPDATE files SET state = 'whole' WHERE state = 'open'", 0),
        ("UPDATE files SET state = 'whole' WHERE id = $1", 1),
        ("UPDATE files SET state = 'whole' WHERE state IN ('open', 'whole')", 0),
        ("UPDATE files SET state = 'whole' WHERE state <> 'taken'", 0),
        ("UPDATE files SET state = 'whole' WHERE NOT (state = 'taken' OR state = 'whole')", 0),
        ("UPDATE files SET state = 'whole' WHERE state = 'open' OR id = $1", 1),
        ("UPDATE files SET state = 'gone' WHERE state = 'open'", 1),
        ("UPDATE files SET state = $1 WHERE id = $2", 1),
        ("UPDATE files SET state = $1 WHERE id = $2 AND state = $3", 0),
        ("UPDATE files SET state = CASE WHEN state = 'open' THEN 'whole' ELSE 'taken' END WHERE id = $1", 0),
        ("UPDATE files SET state = CASE WHEN size = 0 THEN 'whole' ELSE 'taken' END WHERE state = 'open'", 1),
        ("UPDATE files SET state = CASE WHEN $1 THEN 'taken' ELSE state END WHERE state = 'whole'", 0),
        (
            """
            UPDATE files f SET state = 'taken' FROM (SELECT id FROM files WHERE state = 'whole' FOR UPDATE) n
            WHERE f.id = n.id
            """,
            0,
        ),
        (
            "UPDATE files f SET state = 'taken' FROM (SELECT id FROM files WHERE state = 'whole') n WHERE f.id = n.id",
            1,
        ),
        (
            """
            WITH n AS (SELECT id FROM files WHERE state = 'open' FOR UPDATE)
            UPDATE files f SET state = 'taken' FROM n WHERE f.id = n.id
            """,
            1,
        ),
        (
            "UPDATE files SET state = 'taken' WHERE id = (SELECT id FROM files WHERE state = 'whole' FOR UPDATE)",
            0,
        ),
        ("INSERT INTO files (id, state) VALUES ($1, 'open')", 0),
        ("INSERT INTO files (id, state) VALUES ($1, 'taken')", 1),
        ("INSERT INTO files (id, state) SELECT $1, 'whole'", 1),
        (
            """
            INSERT INTO files AS f (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET state = 'whole'
            WHERE f.state = 'open'
            """,
            0,
        ),
        ("INSERT INTO files AS f (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET state = 'whole'", 1),
        ("SELECT count(*) FILTER (WHERE state = 'whol') FROM files", 1),
        ("SELECT 1 FROM files f JOIN contacts c ON c.state = 'planned' WHERE f.state = 'open'", 0),
        ("SELECT 1 FROM files WHERE state = ANY ('{open,shut}')", 1),
        ("DELETE FROM files WHERE id IN (SELECT id FROM files WHERE state IN ('shut', 'gone'))", 2),
    ],
)
def test_the_reading_tells_what_leaves_the_table(text: str, number: int) -> None:
    assert len(faults(text, COLUMN, MOVES, words("open"))) == number
