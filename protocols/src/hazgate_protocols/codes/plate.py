"""Chinese vehicle number plates: one written form, and whether its syntax is one the standard knows.

Forms by GA 36-2018 (plates of motor vehicles), as recalled, not read beside us: confidence M. So an unusual plate only
warns and never stops a lorry: temporary, military and foreign plates come to weighbridges too. A plate has no check
character: a mistyped one that is well formed cannot be seen here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from hazgate_protocols.codes.finding import Finding

CHARS_MIN, CHARS_MAX = 4, 12  # own bound: wide enough for temporary and foreign plates

MALFORMED = "plate_malformed"
ODD = "plate_odd"

# One character for each province-level region that gives out plates; Hong Kong and Macao cars carry 粤Z.
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_LETTER = "A-HJ-NP-Z"  # I and O would pass for 1 and 0
_SEPARATORS = re.compile(r"[\s·•・.\-‐-―_]+")
_WRITTEN = re.compile(rf"[0-9A-Z\u4e00-\u9fff]{{{CHARS_MIN},{CHARS_MAX}}}")


class PlateError(ValueError):
    """Text that can be no plate at all, with the reason."""


class PlateForm(StrEnum):
    """What kind of plate the syntax says it is."""

    ORDINARY = "ordinary"  # 冀F12345
    NEW_ENERGY_SMALL = "new_energy_small"  # 冀FD12345: type letter first
    NEW_ENERGY_LARGE = "new_energy_large"  # 冀F12345D: type letter last
    TRAILER = "trailer"  # 冀F1234挂
    LEARNER = "learner"  # 冀F1234学
    POLICE = "police"  # 冀F1234警
    BORDER = "border"  # 粤Z1234港
    OTHER = "other"  # none of these: kept, and warned about


_SERIAL = "[0-9A-HJ-NP-Z]"
_FORMS: tuple[tuple[PlateForm, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern))
    for form, pattern in (
        (PlateForm.BORDER, rf"粤Z{_SERIAL}{{4}}[港澳]"),
        (PlateForm.TRAILER, rf"[{PROVINCES}][{_LETTER}]{_SERIAL}{{4}}挂"),
        (PlateForm.LEARNER, rf"[{PROVINCES}][{_LETTER}]{_SERIAL}{{4}}学"),
        (PlateForm.POLICE, rf"[{PROVINCES}][{_LETTER}]{_SERIAL}{{4}}警"),
        (PlateForm.NEW_ENERGY_SMALL, rf"[{PROVINCES}][{_LETTER}][A-HJK]{_SERIAL}[0-9]{{4}}"),
        (PlateForm.NEW_ENERGY_LARGE, rf"[{PROVINCES}][{_LETTER}][0-9]{{5}}[A-HJK]"),
        (PlateForm.ORDINARY, rf"[{PROVINCES}][{_LETTER}]{_SERIAL}{{5}}"),
    )
)


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate in its one written form: capitals, no separators, no spaces. Equal plates are equal texts."""

    text: str
    form: PlateForm

    @classmethod
    def parse(cls, text: str) -> Plate:
        """Any way of typing it: `冀f·12345`, full-width letters. Raises PlateError for what can be no plate."""
        written = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text[:200])).upper()
        if not _WRITTEN.fullmatch(written):
            raise PlateError(
                f"plate {text[:40]!r}: {CHARS_MIN} to {CHARS_MAX} Chinese characters, letters and digits, as 冀F12345"
            )
        return cls(written, next((form for form, pattern in _FORMS if pattern.fullmatch(written)), PlateForm.OTHER))

    def __str__(self) -> str:
        return self.text


def findings(text: str) -> list[Finding]:
    """Empty for a plate of a known form; an unknown form warns; what can be no plate blocks."""
    try:
        plate = Plate.parse(text)
    except PlateError as exc:
        return [Finding(MALFORMED, str(exc), blocks=True)]
    if plate.form is PlateForm.OTHER:
        said = f"plate {plate}: no form of GA 36-2018; look at the vehicle again"
        return [Finding(ODD, said, blocks=False)]
    return []
