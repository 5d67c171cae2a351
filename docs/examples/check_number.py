"""Numbers that carry their own check digits."""

import re
import string
from typing import Literal, NotRequired, TypedDict

# How long an IBAN is in some countries (of the registry that SWIFT keeps).
IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "CH": 21, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27,
    "GB": 22, "IE": 22, "IT": 27, "LU": 20, "NL": 18, "NO": 15, "PL": 28, "PT": 25,
    "SE": 24,
}  # fmt: skip


class Verdict(TypedDict):
    """Whether a number can be right.

    Attributes:
        valid: Whether the check digits fit.
        formatted: The number as it is usually written.
        problem: What is wrong with one that is not valid.
    """

    valid: bool
    formatted: str
    problem: NotRequired[str]


async def main(number: str, kind: Literal["iban", "isbn", "card"]) -> Verdict:
    """Check an IBAN, an ISBN or the number of a payment card for typing errors.

    Only the form and the check digits are looked at: a valid number need not exist.

    :param number: The number; spaces and hyphens in it do not matter.
    :param kind: What sort of number it is.
    """
    plain = re.sub(r"[\s-]", "", number).upper()
    if not plain:
        raise ValueError("there is no number to check")
    match kind:
        case "iban":
            problem = iban_problem(plain)
        case "isbn":
            problem = isbn_problem(plain)
        case "card":
            problem = card_problem(plain)
    size = 4 if kind != "isbn" else len(plain)
    groups = [plain[place : place + size] for place in range(0, len(plain), size)]
    verdict: Verdict = {"valid": problem is None, "formatted": " ".join(groups)}
    return verdict if problem is None else verdict | {"problem": problem}


def iban_problem(number: str) -> str | None:
    """Check an account number: letters count from 10, the rest modulo 97 is 1."""
    if re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number) is None:
        return "an IBAN is a country, two check digits and 11 to 30 letters or digits"
    expected = IBAN_LENGTHS.get(number[:2], len(number))
    if len(number) != expected:
        return f"an IBAN of {number[:2]} has {expected} characters, not {len(number)}"
    digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    return None if int(digits) % 97 == 1 else "the check digits do not fit"


def isbn_problem(number: str) -> str | None:
    """Check the number of a book, of ten places or of thirteen."""
    values = [10 if place == "X" else int(place, 36) for place in number]
    if re.fullmatch(r"[0-9]{9}[0-9X]", number):
        total = sum(value * (10 - place) for place, value in enumerate(values))
        return None if total % 11 == 0 else "the check digit does not fit"
    if re.fullmatch(r"97[89][0-9]{10}", number):
        total = sum(values[::2]) + 3 * sum(values[1::2])
        return None if total % 10 == 0 else "the check digit does not fit"
    return "an ISBN has 10 digits, or 13 that begin with 978 or 979"


def card_problem(number: str) -> str | None:
    """Check a card by Luhn's rule: every second digit from the right is doubled."""
    if not 12 <= len(number) <= 19 or set(number) - set(string.digits):
        return "the number of a card has 12 to 19 digits"
    digits = [int(digit) for digit in reversed(number)]
    total = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return None if total % 10 == 0 else "the check digit does not fit"
