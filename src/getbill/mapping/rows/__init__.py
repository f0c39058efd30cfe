"""Rows: from the cells of a row to the body of a debt, by the mapping."""

from getbill.mapping.rows.repeats import INSTALMENTS
