"""Rows: from the cells of a row to the body of a debt, as the mapping says."""

from getbill.mapping.rows.repeats import INSTALMENTS

__all__ = ["INSTALMENTS"]
