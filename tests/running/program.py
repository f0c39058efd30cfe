"""The real `getbill serve`, started as its operator would start it."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
LAST_WORDS = "Press Ctrl-C to stop."
SECONDS = 60.0


def free_port() -> int:
    """Return a port below those the kernel hands to outgoing connections, which may take any of theirs meanwhile."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No port is free.")


class Program:
    """One `getbill serve` on a data folder and a port."""

    def __init__(self, data_dir: Path, port: int, **settings: str) -> None:
        self.data_dir = data_dir
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GETBILL_") and name != "DATABASE_URL"
        }
        self.environment |= {
            "PYTHONPATH": SOURCE,
            "GETBILL_PORT": str(port),
            "GETBILL_SFTP_PORT": "0",
            "GETBILL_DATA_DIR": str(data_dir),
        }
        self.environment |= settings
        # A pipe that nobody empties would stop them all once it is full.
        self._output = Path(tempfile.gettempdir(), f"gb-{uuid4()}.log")
        self.process: subprocess.Popen[bytes]

    def launch(self) -> "Program":
        """Start it without waiting."""
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "getbill", "serve"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def start(self) -> "Program":
        """Start it and wait until it says that it answers."""
        self.launch()
        while self.process.poll() is None:
            if f"\n{LAST_WORDS}" in self.said:
                return self
            time.sleep(0.02)
        raise AssertionError(f"ended with {self.end()}: {self.said}")

    @property
    def said(self) -> str:
        """What it and its processes have written."""
        if not self._output.exists():
            return ""
        return self._output.read_text("utf-8", "replace")

    def stop(self, *signs: signal.Signals) -> int:
        """Send the signals to it alone, and return its exit status when it has ended."""
        for sign in signs or (signal.SIGTERM,):
            self.process.send_signal(sign)
        return self.end()

    def end(self) -> int:
        """Wait until it has ended by itself, and return its exit status."""
        return self.process.wait(SECONDS)

    @property
    def credentials(self) -> dict[str, str]:
        file = self.data_dir / "first-run.json"
        result: dict[str, str] = json.loads(file.read_text())
        return result

    def get(self, path: str) -> tuple[int, Any]:
        with urllib.request.urlopen(self.url + path, timeout=SECONDS) as answer:  # noqa: S310 our own server
            return answer.status, json.load(answer)

    def processes(self, word: str = "") -> list[int]:
        """The living processes of this data folder whose command line has a word."""
        result = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if not folder.name.isdigit() or int(folder.name) == os.getpid():
                    continue
                command = (folder / "cmdline").read_bytes()
                around = command + (folder / "environ").read_bytes()
                if command and os.fsencode(self.data_dir) in around and word.encode() in command:
                    result.append(int(folder.name))
        return result

    def until_none_is_left(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.processes():
            assert time.monotonic() < deadline, self.processes()
            time.sleep(0.02)

    def forget(self) -> None:
        """Remove what it has written."""
        self._output.unlink(missing_ok=True)
