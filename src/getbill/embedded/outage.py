"""The reason for an outage of the embedded database, shared by the supervisor with other processes.

It is in memory that they share through an inherited descriptor, so that even a full disk can be reported.
"""

import os
import tempfile
from typing import Final

_BYTES: Final = 1_000


class Outage:
    """One sentence, or none while the database is up; written by one process and read by any."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def create(cls) -> "Outage":
        """Create an outage without a reason."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("getbill-outage", 0))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def report(self, sentence: str | None) -> None:
        """Replace the sentence; None when the database is up again."""
        text = (sentence or "").encode()[:_BYTES]
        os.pwrite(self.descriptor, text.ljust(_BYTES), 0)

    def sentence(self) -> str | None:
        """Return the sentence, or None while the database is up."""
        text = os.pread(self.descriptor, _BYTES, 0).decode(errors="ignore").strip()
        return text or None
