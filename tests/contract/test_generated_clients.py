"""Clients that generators make of the OpenAPI document: without a warning, and they work on the running server."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPESCRIPT = Path(__file__).parent / "typescript"
CLIENTS = ROOT / ".clients" / "bin"

CREATE = """
import json, os
from getbill_client import AuthenticatedClient
from getbill_client.api.debts import create_debt, get_debt, list_debts, update_debt
from getbill_client.models import DebtChangeBody, DebtorBody, NewDebtBody, ProblemShown

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["KEY"])
body = NewDebtBody(
    debtor=DebtorBody(name="Jean Dupont", email="jean.dupont@email.com"),
    amount=2340.00,
    currency="EUR",
    reference="F-2024-0847",
    timeline_start_mode="next_day",
)
created = create_debt.sync(client=client, body=body)
changed = update_debt.sync(created.id, client=client, body=DebtChangeBody(object_="Roof repair"))
read = get_debt.sync(created.id, client=client)
page = list_debts.sync(client=client, reference="F-2024-0847")
refused = create_debt.sync(client=client, body=NewDebtBody(amount=1.5))
assert isinstance(refused, ProblemShown), refused
print(json.dumps({
    "created": [created.id, created.amount, created.debtor.name],
    "changed": [changed.object_, changed.debtor.email],
    "read": read.id,
    "listed": [one.id for one in page.data],
    "refused": [refused.status, [one.pointer for one in refused.errors]],
}))
"""

USE = """
import type { components, operations, paths } from "./api";

const body: components["schemas"]["NewDebtBody"] = { debtor: { name: "Jean Dupont" }, amount: 2340, reference: "F-1" };
// @ts-expect-error The amount is required.
const incomplete: components["schemas"]["NewDebtBody"] = { reference: "F-1" };
type Created = paths["/external-api/v1/debts"]["post"]["responses"]["201"]["content"]["application/json"];
type Listed = operations["list_debts"]["responses"]["200"]["content"]["application/json"];
export function balances(created: Created, listed: Listed): number[] {
  return [created.balance, ...listed.data.map((debt) => debt.balance)];
}
export const sent = [body, incomplete];
"""


@pytest.fixture(scope="module")
def document(installation, tmp_path_factory) -> Path:
    """The document as the API serves it."""
    path: Path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(installation.site.app.openapi()), "utf-8")
    return path


async def ran(command: list[str | Path], folder: Path, **environment: str) -> tuple[int, str]:
    """Run a command and return how it ended and all that it printed."""
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env={"PATH": f"{CLIENTS}:{os.environ['PATH']}", "HOME": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout


async def test_a_generated_python_client_creates_a_debt(running, company, document, tmp_path) -> None:
    if not (CLIENTS / "openapi-python-client").exists():
        pytest.skip("did not run: bin/test installs openapi-python-client")
    generate = [
        "openapi-python-client",
        "generate",
        "--path",
        document,
        "--meta",
        "none",
        "--fail-on-warning",
    ]

    generated = await ran([*generate, "--output-path", "getbill_client"], tmp_path)
    assert generated[0] == 0, generated[1][-3000:]
    assert "arning" not in generated[1]

    used = await ran([CLIENTS / "python", "-c", CREATE], tmp_path, URL=running, KEY=company.key)

    assert used[0] == 0, used[1]
    answered = json.loads(used[1])
    debt_id = answered["created"][0]
    assert answered == {
        "created": [debt_id, 2340.00, "Jean Dupont"],
        "changed": ["Roof repair", "jean.dupont@email.com"],
        "read": debt_id,
        "listed": [debt_id],
        "refused": [422, ["/reference", "/debtor/name"]],
    }


async def test_generated_typescript_types_hold_what_is_required(document, tmp_path) -> None:
    node = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if node is None or not (TYPESCRIPT / "node_modules").is_dir():
        pytest.skip("did not run: bin/test installs openapi-typescript, and Node where there is none")
    tools = TYPESCRIPT / "node_modules"
    (tmp_path / "use.ts").write_text(USE, "utf-8")

    result = await ran([node, tools / "openapi-typescript/bin/cli.js", document, "-o", "api.ts"], tmp_path)
    assert result[0] == 0, result[1]
    assert "arn" not in result[1], result[1]

    checked = await ran([node, tools / "typescript/bin/tsc", "--noEmit", "--strict", "use.ts"], tmp_path)

    assert checked == (0, "")
