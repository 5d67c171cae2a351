"""Converting units exactly."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TypedDict


@dataclass(frozen=True)
class Scale:
    """A unit: its kind, and the way to that kind's base unit, factor first."""

    kind: str
    factor: Fraction
    offset: Fraction = Fraction(0)


LENGTH, MASS, VOLUME, TEMPERATURE = "length", "mass", "volume", "temperature"

SCALES = {
    "mm": Scale(LENGTH, Fraction("0.001")),
    "cm": Scale(LENGTH, Fraction("0.01")),
    "m": Scale(LENGTH, Fraction(1)),
    "km": Scale(LENGTH, Fraction(1000)),
    "in": Scale(LENGTH, Fraction("0.0254")),
    "ft": Scale(LENGTH, Fraction("0.3048")),
    "yd": Scale(LENGTH, Fraction("0.9144")),
    "mi": Scale(LENGTH, Fraction("1609.344")),
    "nmi": Scale(LENGTH, Fraction(1852)),
    "g": Scale(MASS, Fraction("0.001")),
    "kg": Scale(MASS, Fraction(1)),
    "t": Scale(MASS, Fraction(1000)),
    "oz": Scale(MASS, Fraction("0.45359237") / 16),
    "lb": Scale(MASS, Fraction("0.45359237")),
    "ml": Scale(VOLUME, Fraction("0.001")),
    "l": Scale(VOLUME, Fraction(1)),
    "us_gal": Scale(VOLUME, Fraction("3.785411784")),
    "imp_gal": Scale(VOLUME, Fraction("4.54609")),
    "K": Scale(TEMPERATURE, Fraction(1)),
    "degC": Scale(TEMPERATURE, Fraction(1), Fraction("273.15")),
    "degF": Scale(TEMPERATURE, Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
Unit = StrEnum("Unit", {name.upper(): name for name in SCALES})


class Quantity(TypedDict):
    """A value in the unit that was asked for.

    Attributes:
        value: The value, rounded.
        unit: The unit.
        exact: The value as a fraction, before it was rounded.
    """

    value: float
    unit: Unit
    exact: Fraction


async def main(
    value: Fraction, source: Unit, target: Unit, digits: int = 6
) -> Quantity:
    """Convert a length, mass, volume or temperature, with no error of rounding inside.

    Args:
        value: The value, a number or a text such as "3/8".
        source: The unit of the value.
        target: The unit to convert to, of the same kind.
        digits: To how many digits after the point the value is rounded.
    """
    given, wanted = SCALES[source], SCALES[target]
    if given.kind != wanted.kind:
        same = ", ".join(name for name, one in SCALES.items() if one.kind == given.kind)
        raise ValueError(
            f"{source} is a {given.kind} and {target} a {wanted.kind}: "
            f"{source} converts to {same}"
        )
    exact = (value * given.factor + given.offset - wanted.offset) / wanted.factor
    return {"value": float(round(exact, digits)), "unit": target, "exact": exact}
