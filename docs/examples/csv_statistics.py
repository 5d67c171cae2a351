"""What the columns of a CSV file hold."""

import csv
import io
import statistics
from collections import Counter
from typing import Literal, NotRequired, TypedDict


class Column(TypedDict):
    """What one column holds; the numbers are there where every value is a number.

    Attributes:
        kind: "number" where every value is one, "text" otherwise, "empty" without any.
        count: How many values there are.
        missing: How many rows have none.
        distinct: How many different values there are.
        common: The most frequent values, and how often each occurs.
        mean: The arithmetic mean.
        deviation: The standard deviation of a sample; absent for a single value.
    """

    kind: Literal["number", "text", "empty"]
    count: int
    missing: int
    distinct: int
    common: NotRequired[dict[str, int]]
    minimum: NotRequired[float]
    median: NotRequired[float]
    mean: NotRequired[float]
    maximum: NotRequired[float]
    deviation: NotRequired[float]


class Table(TypedDict):
    """A whole file, column by column."""

    rows: int
    columns: dict[str, Column]


async def main(
    text: str,
    delimiter: Literal[",", ";", "\t", "|"] | None = None,
    missing: frozenset[str] = frozenset({"", "NA", "n/a", "null"}),
    common: int = 3,
) -> Table:
    """Describe each column of a CSV text: numbers by their statistics, texts by counts.

    The first row names the columns. Cells may be quoted.

    Args:
        text: The content of the file.
        delimiter: What stands between cells; found out from the first row if absent.
        missing: Cells that count as no value.
        common: How many of the most frequent texts to show.
    """
    header, _, _ = text.partition("\n")
    if delimiter is None:
        delimiter = max(",;\t|", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = reader.fieldnames or []
    if not any(names):
        raise ValueError("the text is empty: its first row has to name the columns")
    cells: dict[str, list[str]] = {name: [] for name in names}
    rows = 0
    for row in reader:
        rows += 1
        if None in row:
            extra = len(row[None])
            line = reader.line_num
            raise ValueError(
                f"line {line} has {extra} more cells than there are columns"
            )
        for name in names:
            cell = (row[name] or "").strip()
            if cell not in missing:
                cells[name].append(cell)
    columns = {name: describe(cells[name], rows, common) for name in names}
    return {"rows": rows, "columns": columns}


def describe(values: list[str], rows: int, common: int) -> Column:
    """Describe one column, given its values without the missing ones."""
    column: Column = {
        "kind": "empty",
        "count": len(values),
        "missing": rows - len(values),
        "distinct": len(set(values)),
    }
    if not values:
        return column
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        counted = dict(Counter(values).most_common(common))
        return column | {"kind": "text", "common": counted}
    column |= {
        "kind": "number",
        "minimum": min(numbers),
        "median": statistics.median(numbers),
        "mean": statistics.fmean(numbers),
        "maximum": max(numbers),
    }
    if len(numbers) > 1:
        column["deviation"] = round(statistics.stdev(numbers), 6)
    return column
