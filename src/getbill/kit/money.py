"""Money: an integer of minor units with its currency, never a float and never a bare number.

Each ISO 4217 currency has its own number of decimals (EUR 2, JPY 0, TND 3). On the wire an amount is a JSON
number with exactly those decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache

from babel.core import get_global

from getbill.kit.errors import WrongValue
from getbill.kit.messages import message

# Largest amount of one debt: twelve digits before the decimals, far inside a bigint.
MINOR_MAX = 10**14

# Currencies of ISO 4217 list one whose minor unit is not 2. CLDR's fractions are those in daily use: it has
# none for the Serbian dinar or the Albanian lek, in which invoices do have them.
NO_DECIMALS = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
        "XOF", "XPF",
    }
)  # fmt: skip
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


@cache
def currencies() -> frozenset[str]:
    """Return the ISO 4217 codes in use today, without funds and metals."""
    territories: Mapping[str, list[tuple[str, object, object, bool]]] = get_global("territory_currencies")
    return frozenset(
        code
        for rows in territories.values()
        for code, _, until, is_tender in rows
        if until is None and is_tender
    )


def decimals(currency: str) -> int:
    """Return the number of decimals of a currency (ISO 4217)."""
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


@cache
def least_minor(amount: Decimal, currency: str) -> int:
    """Return the least number of minor units that is not below an amount of a currency."""
    return int(amount.scaleb(decimals(currency)).to_integral_value(ROUND_CEILING))


class AmountHasTooManyDecimals(WrongValue):
    """The amount is finer than the currency's smallest unit."""


class AmountTooLarge(WrongValue):
    """The amount has more than twelve digits before the decimals."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` counts the currency's smallest unit and may be negative in a ledger."""

    minor: int
    currency: str

    @classmethod
    def from_decimal(cls, amount: Decimal | int, currency: str) -> "Money":
        """Convert a wire amount exactly; raise if it is finer than the currency's minor unit or too large."""
        scaled = Decimal(amount).scaleb(decimals(currency))
        if abs(scaled) > MINOR_MAX:
            raise AmountTooLarge(message("An amount may have at most twelve digits before the decimals."))
        minor = int(scaled)
        if minor != scaled:
            places = decimals(currency)
            raise AmountHasTooManyDecimals(
                message(
                    "{currency} has {places} decimals; send at most {places}.",
                    currency=currency,
                    places=places,
                )
            )
        return cls(minor, currency)

    @property
    def decimal(self) -> Decimal:
        """The amount as a decimal with exactly the currency's digits, ready for the wire."""
        return Decimal(self.minor).scaleb(-decimals(self.currency))

    def __add__(self, other: "Money") -> "Money":
        self._check_same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._check_same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def _check_same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
