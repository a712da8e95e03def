"""Text from outside made fit to be stored, sealed and shown."""

from __future__ import annotations


def one_line(text: str, chars_max: int) -> str:
    """The text as one printable line of at most chars_max characters.

    What no store or screen can hold (control characters, NUL, lone surrogates) becomes a space, so that a peer's odd
    answer costs a character and never a crash. A character of the result takes at most 4 bytes in canonical JSON.
    """
    return "".join(char if char.isprintable() else " " for char in text[:chars_max])
