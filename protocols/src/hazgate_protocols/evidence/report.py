"""What a verifier found, as sentences for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hazgate_protocols.evidence.bundle import Part
from hazgate_protocols.text import one_line

TEXT_CHARS_MAX = 600


class Verdict(StrEnum):
    """proved: shown by the file's bytes and the keys. failed: does not hold. open: cannot be shown by this file."""

    PROVED = "proved"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence; line: the file's line it speaks of, 0 for the whole."""

    verdict: Verdict
    text: str
    line: int = 0


@dataclass
class Report:
    """All findings in the order they were made."""

    findings: list[Finding] = field(default_factory=list)
    keys_known: bool = False  # whose keys the seals are of was known from outside the file
    caveats: list[str] = field(default_factory=list)  # sentences that the verdict itself must carry
    unanswered: bool = False  # what the checker asked for beyond the file, a checkpoint, does not speak of it

    def proved(self, text: str) -> None:
        """Adds what is shown."""
        self._add(Verdict.PROVED, text, None)

    def failed(self, text: str, part: Part | None = None) -> None:
        """Adds what does not hold, with the line it stands in."""
        self._add(Verdict.FAILED, text, part)

    def open(self, text: str) -> None:
        """Adds what this file cannot show."""
        self._add(Verdict.OPEN, text, None)

    def caveat(self, text: str) -> None:
        """Adds a sentence to the verdict itself: a reader of its last line alone would be misled without it."""
        self.caveats.append(one_line(text, TEXT_CHARS_MAX))

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return all(finding.verdict is not Verdict.FAILED for finding in self.findings)

    def _add(self, verdict: Verdict, text: str, part: Part | None) -> None:
        if part is not None:
            text = f"line {part.line} ({part.name}): {text}"
        # The file may be a stranger's: nothing of it reaches a terminal but printable characters.
        self.findings.append(Finding(verdict, one_line(text, TEXT_CHARS_MAX), part.line if part else 0))
