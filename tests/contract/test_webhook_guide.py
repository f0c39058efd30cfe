"""docs/webhooks.md tells integrators what is so: its samples run, and its guarantee is the product's."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import make
from contract.test_published_calls import node
from getbill import events, streams
from getbill.kit import clock
from getbill.kit.signing import new_secret
from getbill.webhooks import secret_rotation

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
PYTHON = "\n".join(re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
[NODE] = re.findall(r"^```js\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)

CALL_PYTHON = """
import json, sys
given = json.load(sys.stdin)
body = given["body"].encode()
print(json.dumps([verify(secrets, given["headers"], body) for secrets in given["known"]]))
"""
CALL_NODE = """
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync(0, "utf-8"));
const body = Buffer.from(given.body);
console.log(JSON.stringify(given.known.map((secrets) => verify(secrets, given.headers, body))));
"""
OLD, NEXT, FOREIGN = new_secret(), new_secret(), new_secret()


def run(command: list[str], value: Any) -> Any:
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command,
        input=json.dumps(value).encode(),
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def sent(timestamp: int, signing: secret_rotation.SigningSecrets) -> dict[str, Any]:
    """A sample as it would be pushed, with header names as servers hand them over."""
    body = json.dumps(events.CATALOGUE[0].sample, default=float)
    headers = secret_rotation.signature_headers(
        signing, "wh_01m804scmte4gbpp4yw1mc91gx", timestamp, body.encode()
    )
    return {"body": body, "headers": {name.lower(): value for name, value in headers.items()}}


@pytest.mark.parametrize("language", ["python", "node"])
def test_the_samples_verify_through_a_rotation_and_nothing_else(language: str) -> None:
    command = {
        "python": lambda: [sys.executable, "-c", PYTHON + CALL_PYTHON],
        "node": lambda: [*node(), "--input-type=module", "--eval", NODE + CALL_NODE],
    }[language]()
    now = int(clock.unix())
    rotating = sent(now, secret_rotation.SigningSecrets(OLD, NEXT))
    changed = rotating | {"body": rotating["body"].replace("2340", "2341")}
    late = sent(now - 600, secret_rotation.SigningSecrets(OLD))
    base = [[OLD], [NEXT], [OLD, NEXT], [FOREIGN]]

    assert run(command, rotating | {"known": base}) == [True, True, True, False]
    assert run(command, changed | {"known": base}) == [False] * 4
    assert run(command, late | {"known": base}) == [False] * 4


def test_the_plain_sample_verifies_and_a_changed_byte_does_not() -> None:
    report = sent(int(clock.unix()), secret_rotation.SigningSecrets(OLD))
    body, signature = report["body"].encode(), report["headers"]["x-getbill-signature"]
    names: dict[str, Any] = {}
    exec(PYTHON, names)  # noqa: S102 - the guide's own code

    verify = names["verify_plain"]

    assert [
        verify(OLD, signature, body),
        verify(OLD, signature, body + b" "),
        verify(NEXT, signature, body),
    ] == [
        True,
        False,
        False,
    ]


async def test_the_follower_of_the_guide_reads_what_happens(running, company, running_workspace) -> None:
    names: dict[str, Any] = {}
    exec(PYTHON, names)  # noqa: S102 - the guide's own code
    result: list[Any] = []

    def handle(expected: list[Any], _cursor: str, epoch_changed: bool) -> bool:
        assert not epoch_changed
        result.extend(expected)
        return len(result) < 2

    following = asyncio.to_thread(names["follow"], running, company.key, None, handle)
    task = asyncio.create_task(following)
    debts = [await running_workspace.post("/debts", make.debt()) for _ in range(2)]
    await asyncio.wait_for(task, 30)

    assert [event["data"]["debt_id"] for event in result][:2] == [debt["id"] for debt in debts]


def test_the_guide_says_the_guarantee_word_for_word() -> None:
    assert f"> {streams.GUARANTEE}\n" in GUIDE


def test_the_guide_says_how_many_may_wait() -> None:
    assert f"A credential can have at most {streams.WaiterLimits().per_credential} waiting calls" in GUIDE
