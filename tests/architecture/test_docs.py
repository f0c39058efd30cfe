"""The drawn architecture is the built one."""

import re
from pathlib import Path

from getbill import events, reactions

ARCHITECTURE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text("utf-8")
ROWS = {
    cells[0].strip(" `"): [re.findall(r"`(\w+)`", cell) for cell in cells[2:]]
    for line in ARCHITECTURE.splitlines()
    if line.startswith("| `") and len(cells := line.strip("|").split("|")) == 5
}


def test_the_event_table_lists_every_kind_of_event() -> None:
    assert ROWS.keys() == events.KINDS.keys(), "docs/architecture.md: one row for each of events.KINDS"


def test_the_event_table_begins_with_the_default_subscription() -> None:
    assert tuple(ROWS)[: len(events.DEFAULTS)] == events.DEFAULTS


def test_the_event_table_tells_what_the_action_does_itself() -> None:
    built = {
        kind: [change.action.__name__ for change in reactions.BY_THE_ACTION.get(kind, ())] for kind in ROWS
    }

    assert {kind: cells[0] for kind, cells in ROWS.items()} == built, (
        "docs/architecture.md: the third column is reactions.BY_THE_ACTION"
    )


def test_the_event_table_tells_what_follows_before_the_commit() -> None:
    built = {kind: [react.__name__ for react in reactions.IN_TRANSACTION.get(kind, ())] for kind in ROWS}

    assert {kind: cells[1] for kind, cells in ROWS.items()} == built, (
        "docs/architecture.md: the fourth column is reactions.IN_TRANSACTION"
    )


def test_the_event_table_tells_what_follows_after_the_commit() -> None:
    of_every_event = re.search(r"After every event (.+?):", ARCHITECTURE, re.DOTALL)
    assert of_every_event is not None
    shared = re.findall(r"`(\w+)`", of_every_event[1])
    built = {kind: [step.run.__name__ for step in steps] for kind, steps in reactions.AFTER.items()}

    assert {kind: [*shared, *cells[2]] for kind, cells in ROWS.items()} == built, (
        "docs/architecture.md: the fifth column is reactions.AFTER, without what follows every event"
    )


def test_the_answer_about_a_paid_debt_names_everything_that_follows() -> None:
    answer = re.search(r"What happens when a debt is paid: (.+?)\n\n", ARCHITECTURE, re.DOTALL)
    assert answer is not None
    kinds = ("debt.payment_received", "debt.resolved", "debt.status_changed")
    consequences = {
        function.__name__
        for kind in kinds
        for function in (
            *(change.action for change in reactions.BY_THE_ACTION[kind]),
            *reactions.IN_TRANSACTION.get(kind, ()),
            *reactions.WHEN_READ.get(kind, ()),
        )
    }

    assert set(re.findall(r"`(\w+)`", answer[1])) >= consequences


def test_the_levels_name_every_package_of_the_domain() -> None:
    drawn = set(re.findall(r"[a-z]+", ARCHITECTURE.split("```")[1]))
    source = Path(__file__).parents[2] / "src" / "getbill"
    domain = {path.parent.name for path in source.glob("*/model.py")}

    assert domain <= drawn, f"docs/architecture.md: draw {sorted(domain - drawn)}"
