"""Which rows of a table are not data: blanks, totals, help for whoever fills in a template, headers again.

A row is left out only for what it says itself; a row that is merely short of cells is data with something
missing, and is told as such.
"""

import re
from collections.abc import Sequence

from getbill.sheets.model import Cell, Layout, folded
from getbill.sheets.texts import read_text

_RULE = re.compile(r"[-=_*.~+\s\u2013\u2014]{2,}")
_TOTAL = re.compile(
    r"(grand[- ]|sous[- ]?|sub[- ]?|gesamt|zwischen|sub)?"
    r"(total|totaux|totals|totale|totali|totaal|totales|sum|summe|summen|suma|somma|somme|som|gesamt|cumul|report"
    r"|insgesamt|endsumme|subtotal|subtotaal|a reporter)\b(?P<rest>[^@]*)"
)
# What may follow the word in a row that sums up, whatever else the row lacks.
_TOTAL_REST = re.compile(
    r"([\s:()\d./-]|general|generale|generaux|ttc|ht|eur|euros?|facture\w*|invoice\w*|rechnung\w*|client\w*|kunde\w*"
    r"|dû|du|due|des?|of|page|creances?|debts?|amount|montant|betrag|lignes?|rows?|net|brut|solde|balance|saldo"
    r"|offen|outstanding|a reporter)*"
)
_AMOUNT = re.compile(
    r"[-+(\u2212]?\s*(?:[A-Z]{3}|[\u20ac$\u00a3])?\s*\d[\d\s.,'\u2019\u2212-]*(?:[A-Z]{3}|[\u20ac$\u00a3%])?\)?"
)
_FOOTER = re.compile(
    r"(page|seite|pagina|pag)\b.*\d|(edite|imprime|genere|exporte|extrait|extraction|printed|generated|exported"
    r"|report|erstellt|gedruckt|generado|stampato|afgedrukt|created) ?.*|(fin|end|ende|fine|einde) (du|de|of|des|del|van).*"
    r"|.*\b(confidentiel|confidential|vertraulich|copyright|\(c\)).*"
    r"|(nombre|number|anzahl|numero|aantal|nb|count)( de| of| di| van)? ?(lignes?|rows?|records?|zeilen|lineas|righe"
    r"|regels|factures?|invoices?|enregistrements?).*|\d+ (lignes?|rows?|records?|zeilen|lineas|righe|regels)( .*)?"
)
# A part of every word with which a total or a footer begins: without any, no need to look closer.
_ENDING = re.compile(
    r"tot|s[uo]m|cumul|report|gesamt|page|seite|pag|[e\u00e9]dit|imprim|g[e\u00e9]n|extra|export|print|erstellt|gedruckt"
    r"|stampato|created|fi[nm]|ein?de|end|confiden|vertraulich|copyright|\(c\)|no?mbre|number|anzahl|n[u\u00fa]mero|aantal|nb"
    r"|count|lign|row|record|zeile|l[i\u00ed]nea|righe|regel"
)
_HELP = re.compile(
    r"champs? obligatoires?|required fields?|mandatory fields?|pflichtfeld|campos? obligatori|campi obbligatori"
    r"|verplichte? veld"
)
_HELP_WORD = re.compile(
    r"\*.*|\(?(obligatoire|facultatif|optionnel|required|optional|mandatory|pflicht|opcional|obligatorio"
    r"|obbligatorio|facoltativo|verplicht|optioneel)\)?|(texte?|text|string|nombre|number|decimal|date|datum|email"
    r"|chaine|alphanumerique|zahl|numero|getal|fecha|data)( \(.*\))?|format ?:.*|ex(emple|ample)?\.? ?:.*|e\.g\..*"
    r"|(jj|dd|tt|gg|aaaa|yyyy|jjjj|mm)([/.-](mm|dd|jj|gg))[/.-](aaaa|yyyy|jjjj|aa|yy|jj|dd|tt)"
)
# What a row says about itself is short; with more in a cell it is data.
_SHORT = 300
# A row this near to the header may be help for whoever fills in the template.
_NEAR = 12


class Leaving:
    """The rules for one layout, made once so that an ordinary row costs next to nothing."""

    def __init__(self, layout: Layout) -> None:
        self._header = {column.index: folded(column.header) for column in layout.columns if column.header}
        # A row with at least this many blanks is looked at closely; so is every row near the header.
        # Where blanks are spaces, that is every row.
        self._width = layout.width
        self._usual = layout.filled or layout.width
        self._sparse = max(2, self._usual // 2)
        self.few = 0 if layout.is_padded else layout.width - self._sparse
        self.near_line = layout.data_line + _NEAR
        first = layout.columns[0] if layout.columns else None
        # What no cell is, where the first column has no header.
        self.first_header: object = first.header if first and first.index == 0 and first.header else object()

    def why(self, line: int, cells: Sequence[Cell]) -> str | None:
        """Return why the row is not data, or None."""
        texts = [read_text(cell) for cell in cells if cell is not None and cell != ""]
        if "" in texts:
            texts = [text for text in texts if text]
        if not texts:
            return "empty"
        if max(map(len, texts)) > _SHORT:
            return None
        if len(texts) == len(self._header) and self._is_header(cells):
            return "header"
        if all(_RULE.fullmatch(text) for text in texts):
            return "separator"
        if self._is_help(line, texts):
            return "template"
        is_sparse = len(texts) <= self._sparse
        return self._end(texts) if is_sparse and _ENDING.search("\n".join(texts).casefold()) else None

    def _end(self, texts: list[str]) -> str | None:
        """Return what a row with few cells ends, if it ends something."""
        if self._is_total(texts):
            return "total"
        is_footer = len(texts) <= 2 and self._width > 2 and _FOOTER.fullmatch(folded(texts[0]))
        return "footer" if is_footer else None

    def _is_header(self, cells: Sequence[Cell]) -> bool:
        header = self._header
        return all(
            index < len(cells) and folded(read_text(cells[index])) == text for index, text in header.items()
        )

    def _is_help(self, line: int, texts: list[str]) -> bool:
        is_near = line <= self.near_line
        if not is_near and len(texts) > 2 and not any(text[0] == "*" for text in texts):
            return False
        plain = [folded(text) for text in texts]
        if sum(1 for text in plain if text.startswith("*")) * 2 >= len(plain):
            return True
        if (is_near or len(texts) <= 2) and any(_HELP.search(text) for text in plain):
            return True
        return is_near and sum(1 for text in plain if _HELP_WORD.fullmatch(text)) * 2 > len(plain)

    def _is_total(self, texts: list[str]) -> bool:
        """Tell whether the row sums others up: the word, and nothing but amounts beside it."""
        words = [text for text in texts if not _AMOUNT.fullmatch(text)]
        total = _TOTAL.fullmatch(folded(words[0])) if len(words) == 1 else None
        if not total:
            return False
        # A company may be called Total: a name after the word sums up only in a row that is nearly blank.
        return bool(_TOTAL_REST.fullmatch(total["rest"])) or len(texts) <= self._usual // 3
