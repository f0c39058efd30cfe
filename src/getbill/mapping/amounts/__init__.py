"""Amount columns: which is due, invoiced or paid, in which currency, unit and notation."""

from getbill.mapping.amounts.columns import weigh_amounts
from getbill.mapping.amounts.currencies import decide_currency
from getbill.mapping.amounts.formats import decide_formats
from getbill.mapping.amounts.units import UNITS, scaled, titled, unit_of

__all__ = ["UNITS", "decide_currency", "decide_formats", "scaled", "titled", "unit_of", "weigh_amounts"]
