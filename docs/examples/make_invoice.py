"""Invoices: exact sums, tax by rate, and a text to send."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


@dataclass
class Line:
    """One position of the invoice.

    Attributes:
        text: What is sold.
        price: The net price of one.
        quantity: How many, or how much.
        tax_percent: The rate of the tax that is added.
    """

    text: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    tax_percent: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse what no invoice may hold."""
        if self.quantity <= 0:
            raise ValueError("the quantity must be above 0")
        if not 0 <= self.tax_percent <= 100:
            raise ValueError("the tax must be between 0 and 100 percent")

    @property
    def net(self) -> Decimal:
        """The price of the whole position."""
        return cents(self.price * self.quantity)


@dataclass
class Invoice:
    """A finished invoice.

    Attributes:
        number: Its number.
        issued: The day it was written.
        due: The last day to pay.
        net: The sum before tax.
        taxes: The tax for each rate that occurs, by its percentage.
        total: What has to be paid.
        text: The invoice as text, its columns aligned for a fixed-width font.
    """

    number: str
    issued: date
    due: date
    net: Decimal
    taxes: dict[str, Decimal]
    total: Decimal
    text: str


async def main(
    number: str,
    lines: list[Line],
    issued: date,
    currency: str = "EUR",
    days_to_pay: int = 14,
) -> Invoice:
    """Work out an invoice: sums, tax by rate, and a text to send.

    Prices are net. Tax is rounded once for each rate, as tax offices expect.

    Args:
        number: The number of the invoice.
        lines: What is sold, at least one position.
        issued: The date of the invoice, such as "2026-01-31".
        currency: The code of the currency.
        days_to_pay: How many days the customer has to pay.
    """
    if not lines:
        raise ValueError("an invoice needs at least one line")
    nets: dict[Decimal, Decimal] = defaultdict(Decimal)
    for line in lines:
        nets[line.tax_percent] += line.net
    taxes = {
        f"{rate.normalize():f}": cents(nets[rate] * rate / 100)
        for rate in sorted(nets)
        if rate
    }
    net = sum(nets.values())
    total = net + sum(taxes.values())

    rows = [(f"{line.quantity:f} x {line.text}", line.net) for line in lines]
    rows += [("Net", net), *((f"Tax {rate} %", tax) for rate, tax in taxes.items())]
    rows.append((f"Total {currency}", total))
    width = max(len(label) for label, _ in rows)
    due = issued + timedelta(days=days_to_pay)
    head = [f"Invoice {number}, {issued}", ""]
    body = [f"{label:{width}}  {amount:>12,}" for label, amount in rows]
    text = "\n".join([*head, *body, "", f"Please pay by {due}."])
    return Invoice(number, issued, due, net, taxes, total, text)


def cents(amount: Decimal) -> Decimal:
    """Round to the cent, half a cent up."""
    return amount.quantize(CENT, ROUND_HALF_UP)
