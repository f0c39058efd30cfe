"""Causes of an outage of the embedded PostgreSQL, each one sentence with the remedy.

A cause is derived from PostgreSQL's last log lines and from its disk; a full disk is reported even if it kept
PostgreSQL from logging.
"""

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

# With less than this, writes fail; PostgreSQL allocates its write-ahead log in segments of 16 MB.
FREE_BYTES_MIN: Final = 1_000_000
_START_BYTES_MIN: Final = 20_000_000
_WORDS_MAX: Final = 300
_FATAL: Final = re.compile(r"(?:FATAL|PANIC):\s+(.+)")


def disk_full(folder: Path) -> str:
    """Return the sentence for a full disk."""
    return f"The disk is full: free space on the volume of {folder}."


def is_full(folder: Path, bytes_min: int = FREE_BYTES_MIN) -> bool:
    """Return whether the disk of a folder has less free space than this, or no room for another file."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < bytes_min or (disk.f_files > 0 and disk.f_ffree == 0)


def cause(words: str, cluster: Path, status: int | None = None) -> str:
    """Return why a cluster's server ended, from its last log lines, its disk and its exit status."""
    for pattern, sentence in _table():
        if pattern.search(words):
            return sentence.format(folder=cluster)
    if is_full(cluster, _START_BYTES_MIN):
        return disk_full(cluster)
    if fatal := _FATAL.findall(words):
        return f"PostgreSQL ended: {fatal[-1].strip().rstrip('.')[:_WORDS_MAX]}."
    if status is not None and status < 0:
        return f"PostgreSQL was ended by signal {-status} and is being restarted."
    return "PostgreSQL ended without a reported cause and is being restarted; its log may contain details."


@cache
def _table() -> list[tuple[re.Pattern[str], str]]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["cause"]
    return [(re.compile(row["pattern"]), row["sentence"]) for row in rows]
