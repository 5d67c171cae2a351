"""Money in another currency, to the cent."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal, TypedDict

ROUNDING = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}

# Digits after the point where there are not two of them (ISO 4217).
DIGITS = {"ISK": 0, "JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}


class Conversion(TypedDict):
    """An amount in the target currency.

    Attributes:
        amount: The converted amount, rounded to the currency's smallest unit.
        currency: The target currency.
        rate: What one unit of the source currency costs, to eight digits.
    """

    amount: Decimal
    currency: str
    rate: Decimal


async def main(
    amount: Decimal,
    source: str,
    target: str,
    rates: dict[str, Decimal],
    *,
    rounding: Literal["half_up", "half_even"] = "half_up",
) -> Conversion:
    """Convert an amount of money from one currency to another.

    All rates are quoted against one base currency, as central banks publish them:
    `{"EUR": 1, "USD": "1.25", "JPY": 160}` says that a euro is worth 1.25 dollars
    and 160 yen. Amounts are exact decimal numbers, never floating point.

    Args:
        amount: The amount in the source currency, such as "19.99".
        source: The code of the currency to convert from, such as "EUR".
        target: The code of the currency to convert to, such as "JPY".
        rates: How much of each currency one unit of the base currency buys.
        rounding: Where half a cent goes: up, or to the even neighbour.
    """
    rate = rate_of(target, rates) / rate_of(source, rates)
    unit = Decimal(1).scaleb(-DIGITS.get(target, 2))
    return {
        "amount": (amount * rate).quantize(unit, ROUNDING[rounding]),
        "currency": target,
        "rate": rate.quantize(Decimal("1e-8")),
    }


def rate_of(currency: str, rates: dict[str, Decimal]) -> Decimal:
    """Look up a rate, with errors that say how to mend the call."""
    if currency not in rates:
        known = ", ".join(sorted(rates)) or "nothing"
        raise ValueError(f"there is no rate for {currency!r}: the rates name {known}")
    rate = rates[currency]
    if not (rate.is_finite() and rate > 0):
        raise ValueError(f"the rate of {currency} must be above 0, not {rate}")
    return rate
