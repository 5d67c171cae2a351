"""What has changed between two texts."""

import difflib
from typing import Literal, TypedDict

Ignorable = Literal["case", "spaces", "blank_lines"]


class Comparison(TypedDict):
    """The differences between two texts.

    Attributes:
        similarity: From 0, nothing in common, to 1, the same.
        added: How many lines are new.
        removed: How many lines are gone.
        diff: The changes as a unified diff; empty where there are none.
    """

    similarity: float
    added: int
    removed: int
    diff: str


async def main(
    before: str,
    after: str,
    *,
    ignore: frozenset[Ignorable] = frozenset(),
    context: int = 3,
    names: tuple[str, str] = ("before", "after"),
) -> Comparison:
    """Compare two texts line by line and return a unified diff.

    Parameters
    ----------
    before : str
        The old text.
    after : str
        The new text.
    ignore : set of {"case", "spaces", "blank_lines"}
        What makes no difference: upper and lower case, the amount of white space
        within lines, empty lines.
    context : int
        How many unchanged lines to show around each change.
    names : (str, str)
        What the diff calls the two texts.
    """
    if context < 0:
        raise ValueError("the context is a number of lines, 0 or more")
    old, new = (prepared(text, ignore) for text in (before, after))
    diff = list(difflib.unified_diff(old, new, *names, lineterm="", n=context))
    changes = diff[2:]  # The first two lines name the texts.
    return {
        "similarity": round(difflib.SequenceMatcher(None, old, new, False).ratio(), 4),
        "added": sum(line.startswith("+") for line in changes),
        "removed": sum(line.startswith("-") for line in changes),
        "diff": "\n".join(diff),
    }


def prepared(text: str, ignore: frozenset[Ignorable]) -> list[str]:
    """Split a text into lines that are equal where the difference is ignored."""
    lines = text.splitlines()
    if "case" in ignore:
        lines = [line.casefold() for line in lines]
    if "spaces" in ignore:
        lines = [" ".join(line.split()) for line in lines]
    if "blank_lines" in ignore:
        lines = [line for line in lines if line.strip()]
    return lines
