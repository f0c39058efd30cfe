"""Subprocesses of `getbill serve`: forked from one fork server, supervised, restarted when they exit."""

from getbill.process.subprocesses.fork_client import ForkServer
from getbill.process.subprocesses.fork_server import Program
from getbill.process.subprocesses.supervision import (
    Child,
    Launcher,
    ShutdownRequest,
    attempt,
    is_refusal,
    keep_running,
    pause,
)
