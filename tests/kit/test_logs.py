import json
import subprocess
import sys
from pathlib import Path

import pytest

from getbill.kit.logs import without_texts

SOURCE = Path(__file__).resolve().parents[2] / "src"
SPEAKING = """
import logging, structlog
from getbill.kit import logs
logs.configure("info", "api")
structlog.get_logger("ours").info("debt created", debts=3)
logging.getLogger("theirs").warning("slow %s", "answer")
logging.getLogger("uvicorn.error").info("chatter")
structlog.get_logger("ours").debug("detail")
"""


def test_every_line_is_json_and_says_who_speaks() -> None:
    stderr = subprocess.run(
        [sys.executable, "-c", SPEAKING], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=True
    ).stderr

    lines = [json.loads(line) for line in stderr.splitlines()]

    assert [(line["event"], line["level"], line["logger"], line["process"]) for line in lines] == [
        ("debt created", "info", "ours", "api"),
        ("slow %s", "warning", "theirs", "api"),
    ]
    assert lines[0]["debts"] == 3


def test_of_an_exception_its_kind_and_place_are_kept_and_its_text_is_not() -> None:
    cause, error = KeyError("jean.dupont@email.com"), ValueError("of jean.dupont@email.com")
    with pytest.raises(ValueError, match="jean") as raised:
        fail(error, cause)

    event = without_texts(None, "error", {"event": "failed", "exc_info": raised.value})

    assert [item["kind"] for item in event["exception"]] == ["ValueError", "KeyError"]
    assert event["exception"][0]["at"][-1].startswith("tests/kit/test_logs.py:")
    assert "jean.dupont" not in str(event)


LEAKING = """
import asyncio, gc, logging, warnings, structlog
from getbill.kit import logs

async def fail():
    raise ValueError("Key (email)=(jean@example.com) already exists")

async def main():
    forgotten = asyncio.ensure_future(fail())
    await asyncio.sleep(0)
    del forgotten
    gc.collect()
    try:
        await fail()
    except ValueError as error:
        logging.getLogger("theirs").exception("could not write to %s: %s", "jean@example.com", error)
        structlog.get_logger("ours").error("failed", thing=error, exc_info=error)
    warnings.warn("jean@example.com is odd")
    asyncio.get_running_loop().call_exception_handler({"message": "odd", "future": ValueError("jean@example.com")})

logs.configure("info", "worker")
structlog.contextvars.bind_contextvars(request_id="the-request")
asyncio.run(main())
raise RuntimeError("jean@example.com")
"""


def test_no_way_of_failing_writes_what_it_failed_on() -> None:
    stderr = subprocess.run(
        [sys.executable, "-c", LEAKING], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=False
    ).stderr

    lines = [json.loads(line) for line in stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "Task exception was never retrieved",
        "could not write to %s: %s",
        "failed",
        "python_warning",
        "odd",
        "process_failed",
    ]
    assert b"jean" not in stderr
    assert {line["request_id"] for line in lines} == {"the-request"}
    assert lines[2]["thing"] == "ValueError"
    assert lines[1]["exception"] == lines[2]["exception"]


def fail(error: Exception, cause: Exception) -> None:
    raise error from cause
