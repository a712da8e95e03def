"""Why a label cannot be drawn or coded.

LabelError     the document does not fit the label or the font: a person corrects the text (names the field)
FontNotFoundError   the box lacks a font with Chinese: the installer adds the package
"""

from __future__ import annotations


class LabelError(ValueError):
    """The label must not be printed as it stands. field: the attribute of LabelDocument that is wrong."""

    def __init__(self, field: str, cause: str, next_step: str) -> None:
        super().__init__(f"draw label: field {field}: {cause}; {next_step}")
        self.field = field
        self.cause = cause


class FontNotFoundError(LookupError):
    """No font with Chinese characters stands at any of the usual places."""
