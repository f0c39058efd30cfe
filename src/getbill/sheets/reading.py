"""Opening a file as a table and reading its rows, as often as one likes and each time from the beginning."""

import io
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

from getbill.sheets import dialects, encodings
from getbill.sheets.delimited import Delimited
from getbill.sheets.model import Choices, Column, Layout, LeftOut, Limits, Row, letter
from getbill.sheets.words import Unreadable

_SAMPLE = 256 * 1024


class Sheet:
    """A table of a file that is open: what it looks like and its rows."""

    def __init__(self, layout: Layout, source: Delimited, limits: Limits) -> None:
        self.layout = layout
        # What the latest pass over the rows left out, whole once the pass is.
        self.left_out = LeftOut()
        self._source = source
        self._limits = limits

    def rows(self, after_line: int = 0) -> Iterator[Row]:
        """Yield the rows of data below `after_line`, from the beginning of the file each time."""
        self.left_out = left_out = LeftOut()
        width, data_line = self.layout.width, self.layout.data_line
        for line, cells, wrong in self._source.records():
            if line < data_line:
                continue
            if not any(cells):
                left_out.add(line, "empty")
                continue
            if len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            if line > after_line:
                yield Row(line, cells, wrong)

    def close(self) -> None:
        """Give back what reading took; the file itself stays open, it is its owner's."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(  # noqa: A001 - read as `sheets.open`
    file: BinaryIO,
    name: str,
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    *,
    layout: Layout | None = None,
    choices: Choices | None = None,
) -> Sheet:
    """Open a file as a table, whatever its extension says, or raise `Unreadable`.

    With the `layout` of an earlier reading it is read in exactly that way; `choices` are a person's.
    """
    choices = choices or Choices()
    if file.seek(0, io.SEEK_END) == 0:
        raise Unreadable("empty")
    encoding = encodings.named(choices.encoding) if choices.encoding else encodings.detect(file)
    file.seek(0)
    sample = file.read(_SAMPLE).decode(encoding.codec, encoding.errors)
    dialect = dialects.find(sample)
    source = Delimited(file, encoding.codec, encoding.errors, dialect, limits)
    return Sheet(layout or _layout(source, encoding), source, limits)


def _layout(source: Delimited, encoding: encodings.Encoding) -> Layout:
    for line, cells, _ in source.records():
        if any(cells):
            columns = tuple(Column(i, letter(i), str(cell).strip()) for i, cell in enumerate(cells))
            source.width = len(columns)
            return Layout(
                kind="csv",
                columns=columns,
                header_line=line,
                data_line=line + 1,
                width=len(columns),
                encoding=encoding.name,
                delimiter=source.dialect.delimiter,
                quote=source.dialect.quote,
            )
    raise Unreadable("empty")
