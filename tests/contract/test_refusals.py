"""What every route refuses in the same way."""

import pytest

from getbill.explorer.document import scope_of
from getbill.kit.http.paths import routes_of

UNKNOWN = "debt_00000000000000000000000000"


@pytest.fixture
def calls(installation) -> list[tuple[str, str]]:
    """Every guarded call, with ids that nothing has."""
    return [
        (method, str(route.path_format).replace("{", "").replace("}", ""))
        for route in routes_of(installation.site.app)
        if scope_of(route) is not None
        for method in sorted(route.methods or ())
    ]


async def test_an_unknown_query_parameter_is_refused_by_name_everywhere(sandbox, calls) -> None:
    for method, path in calls:
        answered = await sandbox.call(method, f"{path}?nonsense=1", body=b"{}")

        assert (answered.status, answered.headers["content-type"]) == (400, "application/problem+json"), path
        assert "nonsense" in answered.json()["detail"], path


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(sandbox, calls) -> None:
    there: dict[str, set[str]] = {}
    for method, path in calls:
        there.setdefault(path, set()).add(method)

    for path, methods in there.items():
        # No path takes both.
        answered = await sandbox.call("POST" if "PATCH" in methods else "PATCH", path)

        assert (answered.status, answered.json()["type"]) == (405, "/problems/method-not-allowed"), path
        allowed = methods | ({"HEAD"} if "GET" in methods else set())
        assert set(answered.headers["allow"].split(", ")) == allowed, path


async def test_a_body_that_is_not_json_in_utf_8_is_refused_everywhere(sandbox, calls) -> None:
    wrong = [
        (415, {"Content-Type": "text/plain"}, b"{}"),
        (415, {"Content-Type": "application/json; charset=latin-1"}, b"{}"),
        (400, {"Content-Type": "application/json"}, b"{"),
        (400, {"Content-Type": "application/json"}, b'{"amount": NaN}'),
    ]
    for method, path in [("POST", "/external-api/v1/debts"), ("POST", "/external-api/v1/webhooks")]:
        for status, headers, body in wrong:
            answered = await sandbox.call(method, path, body=body, headers=headers)

            assert (answered.status, answered.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/external-api/v1/nothing"])
async def test_a_path_that_is_not_there_is_a_problem_too(sandbox, path: str) -> None:
    answered = await sandbox.get(path)

    assert (answered.status, answered.headers["content-type"]) == (404, "application/problem+json")
    assert answered.headers["x-request-id"]


@pytest.mark.parametrize(
    "query", ["updated_after=0.5", "created_from=1700000000", "due_from=0", "due_to=1699920000"]
)
async def test_seconds_are_no_dates(sandbox, query: str) -> None:
    answered = await sandbox.get(f"/external-api/v1/debts?{query}")

    assert answered.status == 400


@pytest.mark.parametrize(
    "query", ["amount=2340", "amount_min=1", "amount_max=1.5", "updated_after=2024-01-01T00:00:00+02:00"]
)
async def test_lists_filter_by_amount_and_instant(sandbox, query: str) -> None:
    answered = await sandbox.get(f"/external-api/v1/debts?{query}")

    assert (answered.status, answered.json()["data"]) == (200, [])
