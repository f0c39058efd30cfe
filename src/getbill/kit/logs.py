"""Process logs: one JSON object per line on standard error, without personal data.

Database errors quote the values that caused them, so of an exception the log keeps its type and location,
never its text. A library's message is kept as its template in the source, without the interpolated values.
"""

import logging
import sys
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Event = MutableMapping[str, Any]


def configure(level: str, process: str) -> None:
    """Send every log line of this process, ours and the libraries', to standard error as JSON."""
    structlog.contextvars.bind_contextvars(process=process)
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_texts,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[without_values, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    logging.root.handlers = [handler]
    warnings.showwarning = _on_warning
    sys.excepthook = _on_uncaught
    logging.root.setLevel(level.upper())
    for chatty in ("alembic", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log the exception that ended the process like every other error."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger(__name__).critical("process_failed", exc_info=error)


def _on_warning(
    message: Warning | str,  # noqa: ARG001 - it may quote what it warns of
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - Python's signature
    line: str | None = None,  # noqa: ARG001 - Python's signature
) -> None:
    """Log a Python warning like every other line."""
    structlog.get_logger(__name__).warning(
        "python_warning", kind=category.__name__, at=f"{_short(filename)}:{lineno}"
    )


def without_values(_logger: Any, _method: str, event: Event) -> Event:
    """Reduce a library's message to its template and its place in the source."""
    record = event["_record"]
    event["event"] = str(record.msg).partition("\n")[0]
    event["at"] = f"{_short(record.pathname)}:{record.lineno}"
    return event


def without_texts(_logger: Any, _method: str, event: Event) -> Event:
    """Replace an exception by the types and locations of itself and its causes."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = _exception_chain(error)
    return event


def _exception_chain(error: BaseException) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:
        frames = extract_tb(cause.__traceback__)[-15:]
        places = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"kind": type(cause).__qualname__, "at": places})
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-3:])


def _dumps(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=_other).decode()


def _other(value: Any) -> str:
    return type(value).__name__ if isinstance(value, BaseException) else str(value)
