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
    said = subprocess.run(
        [sys.executable, "-c", SPEAKING], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=True
    ).stderr

    lines = [json.loads(line) for line in said.splitlines()]

    assert [(line["event"], line["level"], line["logger"], line["process"]) for line in lines] == [
        ("debt created", "info", "ours", "api"),
        ("slow answer", "warning", "theirs", "api"),
    ]
    assert lines[0]["debts"] == 3


def test_of_an_exception_its_kind_and_place_are_kept_and_its_text_is_not() -> None:
    cause, error = KeyError("jean.dupont@email.com"), ValueError("of jean.dupont@email.com")
    with pytest.raises(ValueError, match="jean") as raised:
        fail(error, cause)

    event = without_texts(None, "error", {"event": "failed", "exc_info": raised.value})

    assert [one["kind"] for one in event["exception"]] == ["ValueError", "KeyError"]
    assert event["exception"][0]["at"][-1].startswith("tests/kit/test_logs.py:")
    assert "jean.dupont" not in str(event)


def fail(error: Exception, cause: Exception) -> None:
    raise error from cause
