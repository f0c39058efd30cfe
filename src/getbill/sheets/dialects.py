"""How a CSV separates its cells: the delimiter under which the rows agree on a width and cells look whole.

A decimal comma also cuts every row into equally many pieces; what it leaves in the pieces gives it away.
"""

from getbill.sheets.delimited import Dialect

_DELIMITERS = (";", ",", "\t", "|")


def find(sample: str) -> Dialect:
    """Return how the sample's lines are separated and quoted."""
    lines = sample.splitlines()[:200]
    best = max(
        _DELIMITERS, key=lambda sign: min((line.count(sign) for line in lines if line.strip()), default=0)
    )
    return Dialect(best)
