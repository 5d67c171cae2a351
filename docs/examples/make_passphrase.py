"""Passphrases that can be said aloud."""

from math import ceil
from secrets import choice
from typing import TypedDict

# Five letters of alternating kinds: 16 * 4 * 16 * 4 * 16 words, so 16 bits for each.
CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
BITS_PER_WORD = 16


class Passphrase(TypedDict):
    """A new passphrase.

    Attributes:
        passphrase: The passphrase.
        bits: The base-2 logarithm of how many there are, each as likely as the others.
    """

    passphrase: str
    bits: int


async def main(
    bits: int = 80, separator: str = "-", capitals: bool = False
) -> Passphrase:
    """Make a random passphrase of words that do not exist but can be pronounced.

    The words come from the cryptographic random source and are in no dictionary.
    80 bits are plenty for anything that is hashed well.

    Args:
        bits: The strength: two to the power of this is how many passphrases there are.
        separator: What stands between the words.
        capitals: Whether each word begins with a capital.
    """
    if not 32 <= bits <= 512:
        raise ValueError("choose between 32 and 512 bits")
    words = [word() for _ in range(ceil(bits / BITS_PER_WORD))]
    if capitals:
        words = [one.capitalize() for one in words]
    return {"passphrase": separator.join(words), "bits": len(words) * BITS_PER_WORD}


def word() -> str:
    """Make one word, such as `lusab`."""
    return "".join(
        choice(CONSONANTS if place % 2 == 0 else VOWELS) for place in range(5)
    )
