"""What cannot be exported, refused by name before anything is written."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

# from here on ONNX tells which text reads as a number
OPSET_OF_TEXT_AS_NUMBERS = 20
_DEFAULT_OPSET = 17
_TYPES = {"time": "dates", "duration": "durations", "clock": "times of day"}
_HALF = re.compile("[\ud800-\udfff]")
_READ = "number", "words", "empty"


def default_opset(readers: Sequence[Any]) -> int:
    """Return 17, or a later version if a column needs one."""
    return OPSET_OF_TEXT_AS_NUMBERS if any(map(has_text_as_numbers, readers)) else _DEFAULT_OPSET


def has_text_as_numbers(reader: Any) -> bool:
    """Return whether a reader reads numbers from text."""
    return reader.kind == "words" and reader.numbers_ is not None


def check_names(names: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise ValueError if a column has the name of an output, or none."""
    for name in names:
        if name == "" or name in outputs:
            raise ValueError(
                f"The ONNX graph cannot have an input named {name!r}: its outputs are "
                f"{', '.join(map(repr, outputs))}. Rename the column, and fit again."
            )


def check_columns(readers: Sequence[Any], names: Sequence[str], missing: str, opset: int) -> None:
    """Raise ValueError if a column cannot be read in ONNX.

    Parameters
    ----------
    readers : sequence
        The reader of each column.
    names : sequence of str
        Names of the columns.
    missing : str
        The text that stands for a missing entry.
    opset : int
        Version of the operators.
    """
    if not isinstance(missing, str):
        raise ValueError(f"missing={missing!r} must be a str, the text of missing entries.")
    if all(reader.kind == "empty" for reader in readers):
        raise ValueError("All columns were empty in fit, so that there is nothing to export.")
    for reader, name in zip(readers, names, strict=True):
        if reader.kind not in _READ:
            raise ValueError(
                f"column {name!r} has {_TYPES[reader.kind]}, which cannot be exported to ONNX. "
                "Replace the column by numbers, for example days since a date, and fit again."
            )
        if reader.kind == "words" and missing in reader.codes_:
            raise ValueError(
                f"missing={missing!r} stands for missing entries, but is a value of column "
                f"{name!r} in fit. Choose a text for `missing` that no column has."
            )
        if reader.kind == "words" and (broken := _text_beyond_utf_8(reader.codes_)):
            raise ValueError(
                f"column {name!r} has the text {broken[0]!r} in fit, which ONNX cannot hold, since "
                "half of a character is not UTF-8. Replace such text, and fit again."
            )
        if has_text_as_numbers(reader) and opset < OPSET_OF_TEXT_AS_NUMBERS:
            raise ValueError(
                f"column {name!r} has text that reads as numbers, for which opset={opset} is too "
                f"old: give {OPSET_OF_TEXT_AS_NUMBERS} or more, or convert the column to numbers "
                "and fit again."
            )


def _text_beyond_utf_8(words: Iterable[str]) -> list[str]:
    """Return the words with halves of characters, as Python has them after reading broken files."""
    return [word for word in words if not word.isascii() and _HALF.search(word)]
