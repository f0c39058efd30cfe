"""The access log keeps of a request's path the route and our ids, whatever somebody writes into it."""

import re
from typing import Any

from calls import Site
from getbill.kit import ids
from getbill.kit.http.routes import UNMATCHED
from installation import Installation

FREE = "jean.dupont%40example.com"
OURS = ids.show("debt", ids.new())


async def paths_logged(installation: Installation, prefix: str) -> dict[str, str]:
    await installation.site.app.state.auth.log.flush()
    rows = await installation.database.pool.fetch(
        """
        SELECT request_id, path FROM access_log WHERE request_id LIKE $1
        UNION ALL SELECT request_id, path FROM anonymous_log WHERE request_id LIKE $1
        """,
        prefix + "%",
    )
    return {row["request_id"]: row["path"] for row in rows}


def calls(app: Any) -> list[tuple[str, str]]:
    """Method and template of every route there is."""
    return [
        (method, route.path)
        for route in app.routes
        for method in sorted(getattr(route, "methods", None) or ())
    ]


async def test_no_route_logs_what_was_written_into_its_path_or_query(
    installation: Installation, sandbox: Site
) -> None:
    request = calls(installation.site.app)
    for number, (method, path) in enumerate(request):
        written = re.sub(r"\{[^}]*\}", FREE, path)
        await sandbox.call(method, f"{written}?reference={FREE}", headers={"X-Request-Id": f"free-{number}"})

    logged = await paths_logged(installation, "free-")

    assert len(logged) == len(request) > 90
    assert {logged[f"free-{number}"] for number in range(len(request))} <= {path for _, path in request} | {
        UNMATCHED
    }


async def test_our_ids_stand_in_their_places(installation: Installation, sandbox: Site) -> None:
    written = {
        "ours-1": f"/external-api/v1/debts/{OURS}",
        "ours-2": f"/external-api/v1/debts/{OURS}/payments",
        "ours-3": f"/external-api/v1/debts/{OURS}x",
        "ours-4": f"/external-api/v1/Dupont/{OURS}",
    }
    for request_id, path in written.items():
        await sandbox.get(path, X_Request_Id=request_id)

    assert await paths_logged(installation, "ours-") == {
        "ours-1": written["ours-1"],
        "ours-2": written["ours-2"],
        "ours-3": "/external-api/v1/debts/{debt_id}",
        "ours-4": UNMATCHED,
    }
