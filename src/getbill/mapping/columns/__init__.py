"""Columns: the fields each may be, by its header, its values and its neighbours."""

from getbill.mapping.columns.candidates import Candidate, of
from getbill.mapping.columns.contents import fit, has_fractions, part, texts_of
from getbill.mapping.columns.context import weigh_context
from getbill.mapping.columns.debtor_names import weigh_debtor_names
from getbill.mapping.columns.references import REFERENCES, together, weigh_references

__all__ = [
    "REFERENCES",
    "Candidate",
    "fit",
    "has_fractions",
    "of",
    "part",
    "texts_of",
    "together",
    "weigh_context",
    "weigh_debtor_names",
    "weigh_references",
]
