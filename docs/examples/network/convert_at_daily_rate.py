"""Money in another currency, at the European Central Bank's rate of a day."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TypedDict

RATES = "https://api.frankfurter.dev/v1"

# Digits after the point where there are not two of them (ISO 4217).
DIGITS = {"ISK": 0, "JPY": 0, "KRW": 0}


class Conversion(TypedDict):
    """An amount in the target currency.

    Attributes:
        amount: The converted amount, rounded to the currency's smallest unit.
        currency: The target currency.
        rate: What one unit of the source currency costs.
        day: The working day that the rate is of.
    """

    amount: Decimal
    currency: str
    rate: Decimal
    day: date


async def main(
    amount: Decimal, source: str, target: str, day: date | None = None
) -> Conversion:
    """Convert an amount of money at the reference rate of the ECB.

    Args:
        amount: The amount in the source currency, such as "19.99".
        source: The code of the currency to convert from, such as "EUR".
        target: The code of the currency to convert to, such as "JPY".
        day: The day of the rate, 1999 or later; the newest rate without it. On a day
            without rates, those of the working day before hold.
    """
    source, target = source.upper(), target.upper()
    response = await http.get(
        f"{RATES}/{day or 'latest'}",
        params={"base": source, "symbols": target},
        timeout=10,
        follow_redirects=True,
    )
    if response.status_code in (404, 422):
        known = await http.get(f"{RATES}/currencies", timeout=10)
        codes = ", ".join(sorted(known.raise_for_status().json()))
        raise ValueError(f"no rate from {source} to {target}: there are {codes}")
    # Read as decimal numbers, so that no cent is lost on the way.
    found = response.raise_for_status().json(parse_float=Decimal, parse_int=Decimal)
    rate = found["rates"][target]
    unit = Decimal(1).scaleb(-DIGITS.get(target, 2))
    return {
        "amount": (amount * rate).quantize(unit, ROUND_HALF_UP),
        "currency": target,
        "rate": rate,
        "day": date.fromisoformat(found["date"]),
    }
