"""A file upload over HTTP: the body itself, or the part `file` of a form, never held in memory as a whole.

The other options (`auto`, `mode`...) may be fields of the form or query parameters; the file's part may come
first or last.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import python_multipart
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from getbill.kit.errors import BadRequest, UnsupportedMediaType
from getbill.kit.messages import excerpt, message

_FIELD_BYTES_MAX: Final = 4_096
_NOT_FILES: Final = frozenset({"application/json", "application/x-www-form-urlencoded"})


@dataclass(slots=True)
class Upload:
    """A file being received; its form fields are complete once the bytes have been read."""

    request: Request
    name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes; raise BadRequest or UnsupportedMediaType for a request without a file."""
        header = self.request.headers.get("content-type", "")
        kind, options = parse_options_header(header)
        if kind == b"multipart/form-data":
            boundary = options.get(b"boundary")
            if not boundary:
                raise BadRequest(message("The form declares no boundary for its parts."))
            return self._of_form(boundary)
        if kind.decode("latin-1") in _NOT_FILES:
            raise UnsupportedMediaType(
                message(
                    "Send the file as the body (text/csv, application/octet-stream), or as the part `file` of a form."
                )
            )
        disposition = parse_options_header(self.request.headers.get("content-disposition", ""))[1]
        self.name = _filename(disposition)
        return self._raw()

    async def _raw(self) -> AsyncIterator[bytes]:
        async for part in self.request.stream():
            yield part

    async def _of_form(self, boundary: bytes) -> AsyncIterator[bytes]:
        parts = _FormParts(self)
        parser = python_multipart.MultipartParser(boundary, parts.callbacks())
        try:
            async for piece in self.request.stream():
                parser.write(piece)
                for part in parts.drain():
                    yield part
            parser.finalize()
        except MultipartParseError as error:
            raise BadRequest(
                message("The form cannot be read: its parts are not multipart/form-data (RFC 7578).")
            ) from error
        if not parts.has_file:
            raise BadRequest(message("The form has no part `file`."))


def _filename(options: Mapping[bytes, bytes]) -> str | None:
    name = options.get(b"filename")
    return name.decode("utf-8", "replace") if name else None


class _FormParts:
    """The parts of a form, collected from the parser's callbacks."""

    def __init__(self, upload: Upload) -> None:
        self.has_file = False
        self._upload = upload
        self._waiting: list[bytes] = []
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._text = bytearray()

    def callbacks(self) -> Any:
        """Return the callbacks for the parser."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_body,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
        }

    def drain(self) -> list[bytes]:
        """Return the file's bytes received since the last call."""
        chunks, self._waiting = self._waiting, []
        return chunks

    def _begin_part(self) -> None:
        self._headers = {}
        self._text.clear()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_body(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name == "file" and self.has_file:
            raise BadRequest(message("The form has more than one part `file`: send one file at a time."))
        self._field = None if name == "file" else name
        if name == "file":
            self.has_file = True
            self._upload.name = _filename(options)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._waiting.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD_BYTES_MAX:
            raise BadRequest(message("The form's field '{field}' is too long.", field=excerpt(self._field)))

    def _end_part(self) -> None:
        if self._field is not None:
            self._upload.fields[self._field] = self._text.decode("utf-8", "replace")
