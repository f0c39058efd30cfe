import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from program import Program, free_port

MakeProgram = Callable[..., Program]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def program(data_dir: Path) -> Iterator[MakeProgram]:
    """Make programs on one data folder and one port; what still runs at the end is ended."""
    port = free_port()
    made: list[Program] = []

    def make(**settings: str) -> Program:
        made.append(Program(data_dir, port, **settings))
        return made[-1]

    yield make
    for one in made:
        if hasattr(one, "process"):
            one.stop(signal.SIGTERM)
    for one in made:
        one.until_none_is_left()
        one.forget()
