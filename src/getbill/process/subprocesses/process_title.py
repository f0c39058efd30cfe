"""The title of a process: what `ps` and `/proc/<pid>/cmdline` show instead of the command line it was started with.

A process that was forked without an exec would bear the command line of its parent.
"""

import ctypes
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

# Fields 48 and 49 of /proc/<pid>/stat, counted after the name in parentheses (proc(5)).
_ARGUMENTS_START: Final = 45
_ARGUMENTS_END: Final = 46


def set_title(*words: str) -> None:
    """Set the title of this process, cut to the room of its command line; without effect except on Linux."""
    if sys.platform != "linux":
        return
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        start, end = int(fields[_ARGUMENTS_START]), int(fields[_ARGUMENTS_END])
        room = end - start
        # The kernel hides the addresses from a process that may not be inspected.
        if start and room > 0:
            title = b"".join(word.encode() + b"\0" for word in words)[: room - 1]
            ctypes.memmove(start, title.ljust(room, b"\0"), room)
