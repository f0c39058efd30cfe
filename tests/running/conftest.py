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
    path = Path(tempfile.mkdtemp(prefix="gb-", dir="/tmp"))
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def program(data_dir: Path) -> Iterator[MakeProgram]:
    """Make programs on one data folder and one port; what still runs at the end is ended."""
    port = free_port()
    result: list[Program] = []

    def make(**settings: str) -> Program:
        result.append(Program(data_dir, port, **settings))
        return result[-1]

    yield make
    for item in result:
        if hasattr(item, "process"):
            item.stop(signal.SIGTERM)
    for item in result:
        item.until_none_is_left()
        item.forget()
