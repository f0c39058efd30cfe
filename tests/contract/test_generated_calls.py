"""Calls that nobody thought of, generated from the OpenAPI document: none crashes, none answers outside it.

Schemathesis sends what the document allows and what it forbids, with a sandbox key, to the running processes; their
limit is raised and still counts. The same cases come on every run.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import requests

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
]
# Of the checks there are, those that judge by less than a caller knows; each with the reason.
LEFT_OUT = {
    "positive_data_acceptance": "what holds between fields (one of two names, a currency's decimals) no schema can say",
    "object_level_authorization": "needs a second account; tests/access walks every route with one",
}
EXAMPLES_EACH = "10"
# At the end of an empty stream a call waits as long as it is told: that is tested by itself, and takes its time.
CONFIGURATION = """
[[operations]]
include-operation-id = "list_events"
parameters = { "query.wait" = 0 }
"""
SECONDS_MAX = 280


async def test_no_generated_call_crashes_or_answers_outside_the_document(
    running, company, tmp_path: Path
) -> None:
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("run", f"{running}/openapi.json", "-H", f"Authorization: Bearer {company.key}"),
        *(
            "--phases",
            "examples,coverage,fuzzing,stateful",
            "--mode",
            "all",
            "-n",
            EXAMPLES_EACH,
            "--seed",
            "1",
        ),
        *("--checks", ",".join(CHECKS), "--workers", "1", "--no-shrink", "--warnings", "off", "--no-color"),
    ]
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, "utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONHASHSEED": "0"}

    ran = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    answered = await asyncio.to_thread(
        requests.get,
        f"{running}/external-api/v1/debts",
        headers={"Authorization": f"Bearer {company.key}"},
        timeout=10,
    )
    assert 0 < int(answered.headers["X-RateLimit-Remaining"]) < int(answered.headers["X-RateLimit-Limit"])
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-2_000:]
    assert "Test cases:" in ran.stdout
