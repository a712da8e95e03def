"""A label's finished layout: boxes, text runs and lines in dots, ready to draw and to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in dots; right and bottom are just outside."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def holds(self, other: Box) -> bool:
        """Whether the other lies wholly inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One piece of text on one baseline. role: title, caption, value, hazard or copy."""

    field: str
    role: str
    text: str
    left: int
    baseline: int
    size: int
    box: Box  # advance width by the height this text touches
    bold: bool = False
    inverse: bool = False  # blank on black


@dataclass(frozen=True, slots=True)
class HazardMark:
    """One pictogram."""

    code: str
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole label. shortened: fields that end in an ellipsis."""

    side_dots: int
    dots_per_mm: int
    character_dots: int
    border: Box  # outer edge of the border line
    border_dots: int
    rules: tuple[Box, ...]
    runs: tuple[Run, ...]
    hazards: tuple[HazardMark, ...]
    qr: tuple[tuple[bool, ...], ...]
    qr_box: Box  # with quiet zone
    qr_module_dots: int
    copy_box: Box | None
    shortened: tuple[str, ...]

    def text_of(self, field: str, role: str = "value") -> str:
        """What is printed for a field, its lines put together."""
        return "".join(run.text for run in self.runs if run.field == field and run.role == role)
