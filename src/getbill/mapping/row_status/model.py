"""Row statuses of columns: the terms that the modules of this package share."""

from collections.abc import Mapping
from typing import Final

from getbill.mapping.row_status.words import LISTS
from getbill.mapping.vocabulary import CONCEPTS

# By column, by value: the row status. An empty table: the column is ignored.
RowStatus = Mapping[int, Mapping[str, str]]
# Stands for every value of a column in which all marks have the same meaning.
ANY_VALUE: Final = "*"
CODES: Final = {"paid": "row_is_settled", "credit": "row_is_credit", "excluded": "row_is_excluded"}
# A column with fewer values distinguishes nothing.
TYPES_MIN: Final = 2
# A column of document types has at most this many values.
TYPES_MAX: Final = 12
NEGATIVE_MOST: Final = 0.8
OTHER_SUBJECTS: Final = LISTS.members("about_others", "concepts", CONCEPTS)
SIGN_CONCEPTS: Final = LISTS.members("signs", "concepts", CONCEPTS)
# A mark is no longer than this; longer values are words.
MARK_CHARS_MAX: Final = 3
# Types of customers, as a column of types may name them.
CUSTOMERS: Final = frozenset(LISTS.words("customers", "values"))
