"""Which of several records a JSON object is meant to be."""

from typing import Any

from .choices import Choice
from .containers import Record
from .shapes import ConversionError


def meant(records: list[Record], value: dict[str, Any], path: str, *, output: bool) -> Record:
    """Return the record that a value none of them takes comes closest to.

    Where one member tells them apart and has a value of none of them, `ConversionError` says which
    there are.
    """
    name = _discriminator(records)
    if name is None:
        return max(records, key=lambda record: _likeness(record, value, output=output))
    choices = [_choice(record, name) for record in records]
    wanted = Choice([pair for choice in choices for pair in choice.choices])
    if name not in value:
        expected = f"an object with {name!r}, which is {wanted.expected}"
        raise ConversionError(path, expected, value)
    for record, choice in zip(records, choices, strict=True):
        if choice.has(value[name]):
            return record
    raise ConversionError(f"{path}.{name}", wanted.expected, value[name])


def _choice(record: Record, name: str) -> Choice:
    shape = record.members[name].shape if name in record.members else None
    return shape if isinstance(shape, Choice) else Choice(())


def _discriminator(records: list[Record]) -> str | None:
    """Return the name of the member that has different values in each of several records."""
    if len(records) < 2:  # noqa: PLR2004
        return None
    for name in records[0].members:
        choices = [_choice(record, name) for record in records]
        values = [value for choice in choices for value, _ in choice.choices]
        distinct = {(type(value), value) for value in values}
        if all(choice.choices for choice in choices) and len(distinct) == len(values):
            return name
    return None


def _likeness(record: Record, value: dict[str, Any], *, output: bool) -> tuple[int, int]:
    members = record.shown(output=output)
    told = [name for name in value if name in members and _choice(record, name).choices]
    right = sum(1 if _choice(record, name).has(value[name]) else -1 for name in told)
    needed = {name for name, member in members.items() if member.required}
    return right, -len(needed - value.keys()) - len(value.keys() - members.keys())
