"""The readings of statements, tried on small ones."""

import pytest

from architecture.distribution import undistributable
from architecture.tenancy import loose_tables


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("SELECT * FROM debts WHERE workspace_id = $1 AND id = $2", 0),
        ("SELECT * FROM debts WHERE id = $1", 1),
        ("SELECT * FROM debts WHERE workspace_id = $1 OR id = $2", 1),
        ("SELECT * FROM debts d JOIN events e ON e.debt_id = d.id WHERE d.workspace_id = $1", 1),
        ("SELECT * FROM debts d JOIN events e USING (workspace_id) WHERE d.workspace_id = $1", 0),
        ("SELECT * FROM debts WHERE workspace_id = ANY($1::uuid[])", 1),
        ("SELECT * FROM debts WHERE workspace_id IN ($1, $2)", 1),
        ("SELECT * FROM debts WHERE workspace_id = (SELECT workspace_id FROM clients WHERE id = $1)", 1),
        ("SELECT * FROM debts WHERE (workspace_id, id) = ($1, $2)", 0),
        ("SELECT * FROM debts WHERE (workspace_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))", 1),
        ("SELECT * FROM debts WHERE workspace_id = $1 AND id IN (SELECT * FROM unnest($2::uuid[]))", 0),
        (
            "UPDATE debts d SET x = n.x FROM unnest($1::uuid[], $2::int[]) AS n (workspace_id, x) WHERE d.workspace_id = n.workspace_id",
            1,
        ),
        (
            "UPDATE debts d SET x = n.x FROM unnest($2::uuid[], $3::int[]) AS n (id, x) WHERE d.workspace_id = $1 AND d.id = n.id",
            0,
        ),
        ("UPDATE debts d SET x = 1 FROM (SELECT $1::uuid AS owner) AS n WHERE d.workspace_id = n.owner", 0),
        ("SELECT * FROM debts d JOIN events e ON e.workspace_id = $2 WHERE d.workspace_id = $1", 1),
        (
            "SELECT * FROM debts d WHERE d.workspace_id = $1 AND EXISTS (SELECT FROM events e WHERE e.debt_id = d.id)",
            1,
        ),
        (
            "SELECT (SELECT max(id) FROM events e WHERE e.workspace_id = d.workspace_id) FROM debts d WHERE d.workspace_id = $1",
            0,
        ),
        (
            "SELECT (SELECT 1 FROM events e WHERE e.workspace_id = d.workspace_id AND e.workspace_id = $1) FROM debts d",
            1,
        ),
        ("WITH due AS (SELECT * FROM debts) SELECT * FROM due", 1),
        (
            "WITH due AS (SELECT * FROM debts WHERE workspace_id = $1) UPDATE events e SET x = 1 FROM due WHERE e.workspace_id = due.workspace_id",
            0,
        ),
        (
            "WITH due AS (SELECT * FROM debts) SELECT * FROM due WHERE workspace_id = $1",
            1,
        ),
        (
            "WITH due AS (SELECT id FROM debts WHERE workspace_id = $1) UPDATE events e SET x = 1 FROM due WHERE e.workspace_id = due.id",
            1,
        ),
        (
            "WITH RECURSIVE up AS (SELECT workspace_id, id FROM debts UNION ALL SELECT d.workspace_id, d.id FROM up JOIN debts d ON d.workspace_id = up.workspace_id) SELECT FROM up",
            2,
        ),
        ("INSERT INTO events (id) VALUES ($1)", 1),
        ("INSERT INTO events (workspace_id, id) VALUES ($1, $2)", 0),
        ("INSERT INTO events (id, workspace_id) SELECT id, $1 FROM unnest($2::uuid[]) AS id", 0),
        ("INSERT INTO events (workspace_id, id) SELECT * FROM unnest($1::uuid[], $2::uuid[])", 1),
        ("INSERT INTO events (workspace_id, id) SELECT workspace_id, $1 FROM clients", 1),
        (
            "INSERT INTO events (workspace_id, id) SELECT workspace_id, id FROM debts WHERE workspace_id = $1",
            0,
        ),
        ("DELETE FROM events USING debts WHERE events.workspace_id = $1", 1),
        ("SELECT * FROM companies", 0),
    ],
)
def test_the_reading_tells_held_from_loose(text: str, loose: int) -> None:
    assert len(loose_tables(text, {"debts", "events"})) == loose


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("SELECT count(*) FROM debts", []),
        ("SELECT (SELECT count(*) FROM debts) AS debts, (SELECT max(id) FROM events) AS event", []),
        ("SELECT * FROM debts d LEFT JOIN events e ON e.workspace_id = d.workspace_id", []),
        (
            "SELECT * FROM debts d WHERE NOT EXISTS (SELECT FROM events e WHERE e.workspace_id = d.workspace_id)",
            [],
        ),
        ("SELECT * FROM debts FOR UPDATE SKIP LOCKED", ["locks rows"]),
        ("WITH due AS (SELECT * FROM debts FOR UPDATE) SELECT * FROM due", ["locks rows"]),
        ("WITH gone AS (DELETE FROM debts RETURNING id) SELECT * FROM gone", ["writes"]),
        ("SELECT pg_notify($1, $2) FROM debts", ["calls pg_notify"]),
        (
            "SELECT * FROM debts d JOIN events e ON e.debt_id = d.id",
            ["compares debts, events across workspaces"],
        ),
        (
            "SELECT * FROM debts d WHERE NOT EXISTS (SELECT FROM events e WHERE e.debt_id = d.id)",
            ["compares events across workspaces"],
        ),
        (
            "SELECT (SELECT max(d.id) FROM debts d WHERE d.workspace_id = w.workspace_id) FROM workspaces w",
            ["looks debts up for each row of a reference table"],
        ),
    ],
)
def test_the_reading_tells_what_can_be_distributed(text: str, results: list[str]) -> None:
    assert undistributable(text, {"debts", "events"}) == results
