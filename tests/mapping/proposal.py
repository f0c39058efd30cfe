"""Small files for the tests of mappings: a header, rows, and the mapping proposed for them."""

import csv
import io
from collections.abc import Sequence

from getbill import mapping, sheets


class Read:
    """A file as it was read, with what was proposed for it."""

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], country: str, currency: str
    ) -> None:
        text = io.StringIO()
        csv.writer(text, delimiter=";").writerows([header, *rows] if header else rows)
        with sheets.open(io.BytesIO(text.getvalue().encode()), "debts.csv") as sheet:
            self.layout = sheet.layout
            self.profile = sheets.profile(sheet)
            self.rows = list(sheet.rows())
        self.mapping = mapping.propose(
            self.layout, self.profile, company_country=country, company_currency=currency
        )

    def fields(self) -> list[str | None]:
        """Return the field of each column, asked or not."""
        return [column.field and column.field.value for column in self.mapping.columns]

    def asked(self) -> list[str]:
        """Return the codes of the questions."""
        return [question.code for question in self.mapping.questions]

    def bodies(self, chosen: mapping.Mapping | None = None) -> list[dict]:
        """Return the rows as bodies."""
        composer = mapping.compose(chosen or self.mapping, self.profile)
        return [composer.compose(row)[0] for row in self.rows]

    def findings(self, chosen: mapping.Mapping | None = None) -> list[list[mapping.CellFinding]]:
        """Return what is wrong with the cells of each row."""
        composer = mapping.compose(chosen or self.mapping, self.profile)
        return [composer.compose(row)[1] for row in self.rows]


def read(header: str, *rows: str, country: str = "FR", currency: str = "EUR") -> Read:
    """Read a file written as lines of cells between bars."""
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return Read([cell.strip() for cell in header.split("|")] if header else [], cells, country, currency)
