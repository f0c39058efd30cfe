"""Amount columns: which is due, invoiced or paid, in which currency, unit and notation."""

from getbill.mapping.amounts.columns import weigh_amounts
from getbill.mapping.amounts.currencies import decide_currency
from getbill.mapping.amounts.formats import decide_formats
from getbill.mapping.amounts.units import UNITS, ask_unit, scale, unit_of
