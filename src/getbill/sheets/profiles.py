"""What the columns of a sheet hold, over all of their rows and not the first hundred."""

from getbill.sheets.model import Cell, ColumnProfile, DateShape, NumberShape, Profile
from getbill.sheets.reading import Sheet


def profile(sheet: Sheet, rows_max: int | None = None) -> Profile:
    """Count what each column holds over all rows, or over the first `rows_max`."""
    layout = sheet.layout
    values: list[dict[str, int]] = [{} for _ in layout.columns]
    rows = 0
    for row in sheet.rows():
        rows += 1
        for column, seen in zip(layout.columns, values, strict=True):
            text = str(row.cells[column.index] or "")
            if text:
                seen[text] = seen.get(text, 0) + 1
        if rows == rows_max:
            break
    return Profile(
        rows,
        tuple(
            ColumnProfile(
                column, rows, sum(seen.values()), len(seen), _samples(seen), seen, {},
                NumberShape(",", " ", is_certain=False, why="nothing_seen"),
                DateShape("dmy", is_certain=False, why="nothing_seen"), {},
            )
            for column, seen in zip(layout.columns, values, strict=True)
        ),
        sheet.left_out,
    )  # fmt: skip


def _samples(seen: dict[str, int]) -> tuple[Cell, ...]:
    return tuple(list(seen)[:20])
