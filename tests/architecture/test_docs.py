"""The drawn architecture is the built one."""

import re
from pathlib import Path

from getbill import events, reactions

ARCHITECTURE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text("utf-8")
ROWS = {
    cells[0].strip(" `"): cells[2].strip()
    for line in ARCHITECTURE.splitlines()
    if line.startswith("| `") and len(cells := line.strip("|").split("|")) == 4
}


def test_the_event_table_lists_every_kind_of_event() -> None:
    assert ROWS.keys() == events.KINDS.keys(), "docs/architecture.md: one row for each of events.KINDS"


def test_the_event_table_tells_which_events_have_reactions() -> None:
    drawn = {kind for kind, reaction in ROWS.items() if reaction}

    assert drawn == set(reactions.IN_TRANSACTION), (
        "docs/architecture.md: the third column is reactions.IN_TRANSACTION"
    )


def test_the_levels_name_every_package_of_the_domain() -> None:
    drawn = set(re.findall(r"[a-z]+", ARCHITECTURE.split("```")[1]))
    source = Path(__file__).parents[2] / "src" / "getbill"
    domain = {path.parent.name for path in source.glob("*/model.py")}

    assert domain <= drawn, f"docs/architecture.md: draw {sorted(domain - drawn)}"
