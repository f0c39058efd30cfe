"""The command line as a shell runs it: whatever is wrong is one sentence, with the command's own name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import SOURCE

NO_DATABASE = "There is no database in {}: start `getbill serve` there first, or set GETBILL_DATA_DIR to the folder that has one."


def run(folder: Path, *words: str | bytes, **settings: str) -> tuple[int, str]:
    """Run a command and return its exit status and what it said of its failure."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("GETBILL_")}
    base.pop("DATABASE_URL", None)
    environment = base | {"PYTHONPATH": SOURCE, "GETBILL_DATA_DIR": str(folder)} | settings
    done = subprocess.run(
        [sys.executable, "-m", "getbill", *words], env=environment, capture_output=True, check=False
    )
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("client", "revoke", "client_zz"), "There is no client with this id."),
        (("key", "revoke", "nope"), "There is no key with this id."),
        (("company", "list"), NO_DATABASE),
        (
            ("company", "create", b"Soci\xe9t\xe9"),
            "The arguments are not valid in the locale's encoding: use UTF-8.",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_made(
    tmp_path: Path, words: tuple[str | bytes, ...], text: str
) -> None:
    folder = tmp_path / "data"

    done = run(folder, *words, LC_ALL="C.UTF-8")

    name = " ".join(word for word in words[:2] if isinstance(word, str))
    assert done == (1, f"getbill {name}: {text.format(folder)}\n")
    assert not folder.exists()
