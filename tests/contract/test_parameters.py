"""Query parameters that would be answered with something else than was asked are refused, each by its name."""

from collections.abc import Iterator
from typing import Any

import pytest

from calls import Site

BASE = "/external-api/v1"
RANGES = [
    ("debts", "amount_min", "5", "amount_max", "4.99"),
    ("debts", "due_from", "2024-02-01", "due_to", "2024-01-31"),
    ("debts", "created_from", "2024-02-01", "created_to", "2024-01-31T23:59:59Z"),
    ("followups", "from", "2024-02-01", "to", "2024-01-31"),
    ("reports", "from", "2024-02-01", "to", "2024-01-31"),
    ("webhooks/stats", "from", "2024-02-01", "to", "2024-01-31"),
]


@pytest.fixture
def parameters(installation) -> list[tuple[str, str, dict[str, Any]]]:
    """Every query parameter of every GET: its path, its name, its schema."""
    return list(_parameters(installation.site.app.openapi()))


def _parameters(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query" and path.startswith(BASE):
                yield path.replace("{", "").replace("}", ""), parameter["name"], parameter["schema"]


async def test_a_parameter_with_one_value_is_refused_when_it_comes_twice(sandbox: Site, parameters) -> None:
    checked: list[bool] = []
    for path, name, schema in parameters:
        answered = await sandbox.get(f"{path}?{name}=1&{name}=2", Accept_Language="fr")
        errors = answered.json().get("errors", [])
        is_refused = {"pointer": name, "code": "repeated-parameter"}.items() <= (errors or [{}])[0].items()
        is_list = schema.get("type") == "array"
        assert is_refused != is_list, f"{path} {name}: {answered.status}"
        checked.append(is_list)
        if is_refused:
            assert answered.status == 400
            assert (
                errors[0]["detail"]
                == f"Le paramètre « {name} » n'admet qu'une valeur mais a été envoyé plusieurs fois."
            )

    assert checked.count(False) > 50
    assert checked.count(True) >= 7


@pytest.mark.parametrize(("path", "first", "start", "last", "end"), RANGES)
async def test_a_range_that_ends_before_it_begins_is_refused(
    sandbox: Site, path: str, first: str, start: str, last: str, end: str
) -> None:
    reversed_ = await sandbox.get(f"{BASE}/{path}?{first}={start}&{last}={end}")
    item = await sandbox.get(f"{BASE}/{path}?{last}={start}")

    assert reversed_.status == 400
    (error,) = reversed_.json()["errors"]
    assert (error["pointer"], error["code"]) == (first, "empty-range")
    assert item.status == 200


async def test_the_range_of_a_log_is_refused_as_that_of_a_list(sandbox: Site) -> None:
    endpoint = (await sandbox.post(f"{BASE}/webhooks", {"url": "http://127.0.0.1:9/"})).json()["id"]

    answered = await sandbox.get(f"{BASE}/webhooks/{endpoint}/deliveries?from=2024-02-01&to=2024-01-31")

    assert [error["pointer"] for error in answered.json()["errors"]] == ["from"]


@pytest.mark.parametrize(("path", "name"), [("debts", "cursor"), ("todos", "cursor"), ("events", "after")])
async def test_a_cursor_that_is_none_is_named(sandbox: Site, path: str, name: str) -> None:
    answered = await sandbox.get(f"{BASE}/{path}?{name}=nonsense")

    (error,) = answered.json()["errors"]
    assert (answered.status, error["pointer"], error["code"]) == (400, name, "unknown-cursor")
