"""Regular expressions of JSON Schema, which are those of ECMAScript, in Python's notation."""

import functools
import re

import regex

# What is written otherwise; all else that both know means the same.
TOKEN = re.compile(
    r"\\u\{(?P<braces>[0-9A-Fa-f]{1,6})\}|\\c(?P<control>[A-Za-z])|\\k<(?P<group>\w+)>"
    r"|(?P<escape>\\.)|(?P<begin>\[\^?)|(?P<end>\])|(?P<dollar>\$)",
    re.DOTALL,
)
# Of ASCII alone, as there.
DIGIT, WORD = "0-9", "A-Za-z0-9_"
CLASSES = {"\\d": f"[{DIGIT}]", "\\D": f"[^{DIGIT}]", "\\w": f"[{WORD}]", "\\W": f"[^{WORD}]"}
WITHIN = {"\\d": DIGIT, "\\w": WORD}


class PatternError(Exception):
    """A pattern that cannot be read; the text says why."""


@functools.cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern; raises `PatternError`."""
    try:
        return regex.compile(_translated(pattern))
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise PatternError(str(error)) from None


def _translated(pattern: str) -> str:
    parts: list[str] = []
    end, inside = 0, False
    for found in TOKEN.finditer(pattern):
        parts.append(pattern[end : found.start()])
        text = found.group()
        match found.lastgroup:
            case "braces":
                parts.append(regex.escape(chr(int(found["braces"], 16))))
            case "control":
                parts.append(regex.escape(chr(ord(found["control"]) % 32)))
            case "group":
                parts.append(f"(?P={found['group']})")
            case "escape":
                parts.append((WITHIN if inside else CLASSES).get(text, text))
            case "begin":
                parts.append("\\" + text if inside else text)
                inside = True
            case "end":
                parts.append(text if inside else "\\]")
                inside = False
            case "dollar":
                # Python's also matches before a line feed at the end.
                parts.append("$" if inside else r"\Z")
        end = found.end()
    return "".join(parts) + pattern[end:]
