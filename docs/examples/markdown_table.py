"""Rows of data as a Markdown table."""

from typing import Any, Literal

type Alignment = Literal["left", "right", "center"]

RULES = {"left": ":{}-", "right": "-{}:", "center": ":{}:"}
PADS = {"left": str.ljust, "right": str.rjust, "center": str.center}


async def main(
    rows: list[dict[str, Any]],
    columns: list[str] | None = None,
    align: dict[str, Alignment] | None = None,
    total: list[str] | None = None,
) -> str:
    """Write rows of data as a Markdown table.

    Numbers stand to the right unless `align` says otherwise.

    :param rows: The rows; each maps names of columns to values.
    :param columns: Which columns to show, in this order. All of them by default, in
        the order in which they first occur.
    :param align: How columns are aligned, by name.
    :param total: Columns to sum up in a last row.
    """
    found = list(dict.fromkeys(name for row in rows for name in row))
    columns = found if columns is None else columns
    align = align or {}
    total = total or []
    if not columns:
        raise ValueError("there is no column to show: give `rows` or `columns`")
    for name in [*align, *total]:
        if name not in columns:
            raise ValueError(
                f"{name!r} is not a column: there are {', '.join(columns)}"
            )

    if total:
        rows = [*rows, {name: sum(numbers(rows, name)) for name in total}]
    sides = {
        name: align.get(name, "right" if numbers(rows, name) else "left")
        for name in columns
    }
    cells = [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [
        max(3, len(cell(name)), *(len(row[place]) for row in cells))
        for place, name in enumerate(columns)
    ]
    lines = [[cell(name) for name in columns], *cells]
    padded = [
        [
            PADS[sides[name]](text, width)
            for name, text, width in zip(columns, line, widths, strict=True)
        ]
        for line in lines
    ]
    rule = [
        RULES[sides[name]].format("-" * (width - 2))
        for name, width in zip(columns, widths, strict=True)
    ]
    padded.insert(1, rule)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def numbers(rows: list[dict[str, Any]], name: str) -> list[int | float]:
    """Return the numbers of a column, or nothing where it holds other values too."""
    values = [row[name] for row in rows if row.get(name) is not None]
    if all(isinstance(value, int | float) for value in values):
        return values
    return []


def cell(value: Any) -> str:
    """Write a value so that it stays within its cell."""
    if value is None:
        return ""
    return " ".join(str(value).split()).replace("|", "\\|")
