"""The reason why the embedded database is away, told by the supervisor to the processes that are asked about it.

It lies in memory that they share through an inherited descriptor: a full disk cannot keep it from being told.
"""

import os
import tempfile
from typing import Final

_BYTES: Final = 1_000


class Outage:
    """One sentence, or none while the database is there; written by one process and read by any."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def create(cls) -> "Outage":
        """Create one that tells of nothing."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("getbill-outage", 0))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def report(self, sentence: str | None) -> None:
        """Replace the sentence; None when the database is there again."""
        text = (sentence or "").encode()[:_BYTES]
        os.pwrite(self.descriptor, text.ljust(_BYTES), 0)

    def sentence(self) -> str | None:
        """Return the sentence, None while the database is there."""
        text = os.pread(self.descriptor, _BYTES, 0).decode(errors="ignore").strip()
        return text or None
