"""`get`: GET /debts/{id} with everything on, beside a bare handler with the same join and the same bytes.

Both read the same rows of the same database; the bare handler answers what was prepared, GetBill opens what is sealed
and writes its answer.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from bench.bare_api import command
from bench.figures import Figure, alternate
from bench.rounds import Side, play
from getbill.kit import ids
from testbed.installation import Api, api, free_port, prepared_installation, process, settings, wait

_LIVE = "SELECT workspace_id FROM workspaces WHERE kind = 'live'"
_PAGES = 10


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Return the figure."""
    with prepared_installation() as base, api(base) as ours:
        ours_side = Side("ours", ours.port, ours.process_id, ours.token)
        play(ours_side, "201", {"kind": "create", "first": 1})
        file = base.folder / "answers.json"
        answers = _answers(ours, file)
        job: dict[str, Any] = {"dsn": base.dsn, "port": free_port(), "answers": str(file)}
        job["workspace_id"] = asyncio.run(_live(base.dsn))
        with process(command(job), settings(base.folder, job["port"])) as started:
            wait(f"http://127.0.0.1:{job['port']}/healthz", started)
            limit_side = Side("limit", job["port"], started.pid, ours.token)
            pairs = alternate(_round(ours_side, answers), _round(limit_side, answers), say)
    return [pairs.figure("get", "requests a second", 0.45, is_more_better=True)]


def _round(side: Side, existing: list[str]) -> Callable[[int], float]:
    return lambda number: play(side, "200", {"kind": "get", "first": number, "ids": existing})


def _answers(ours: Api, file: Path) -> list[str]:
    """Keep a thousand answers for the bare handler and return their ids."""
    pages = [ours.call(f"/debts?limit=100&page={page + 1}")["data"] for page in range(_PAGES)]
    debt_ids = [debt["id"] for page in pages for debt in page]
    answers: dict[str, Any] = {}
    for answer in debt_ids:
        answers[answer] = [
            str(ids.read("debt", answer)),
            json.dumps(ours.call(f"/debts/{answer}"), separators=(",", ":")),
        ]
    file.write_text(json.dumps(answers), "utf-8")
    return debt_ids


async def _live(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    result = await connection.fetchval(_LIVE)
    await connection.close()
    return str(result)
