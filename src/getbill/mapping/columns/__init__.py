"""Columns: the fields each may be, by its header, its values and its neighbours."""

from getbill.mapping.columns.adjacent_columns import weigh_adjacent_columns
from getbill.mapping.columns.candidates import Candidate, build_candidates
from getbill.mapping.columns.contents import fit, has_fractions, share_matching, texts_of
from getbill.mapping.columns.debtor_names import weigh_debtor_names
from getbill.mapping.columns.references import REFERENCES, identifying_columns, weigh_references
