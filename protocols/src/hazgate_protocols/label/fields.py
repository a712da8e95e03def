"""The fields of a label in the order of HJ 1276-2022, and what must hold before one is laid out."""

from __future__ import annotations

from typing import Protocol

from hazgate_protocols.label.document import LabelDocument
from hazgate_protocols.label.errors import LabelError
from hazgate_protocols.label.pictograms import HAZARDS

TITLE = "危险废物"
HAZARD_HEADING = "危险特性"
ID_SEGMENTS = (18, 8, 8, 3)  # unit, waste code, date, sequence
# (attribute, caption lines), in the order of HJ 1276-2022.
FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("waste_name", ("废物名称",)),
    ("category", ("废物类别",)),
    ("waste_code", ("废物代码",)),
    ("physical_form", ("废物形态",)),
    ("main_components", ("主要成分",)),
    ("harmful_components", ("有害成分",)),
    ("hazard_characteristics", (HAZARD_HEADING,)),
    ("precautions", ("注意事项",)),
    ("digital_id", ("数字", "识别码")),
    ("unit_name", ("产生/", "收集单位")),
    ("contact", ("联系人和", "联系方式")),
    ("produced_on", ("产生日期",)),
    ("weight", ("废物重量",)),
    ("remarks", ("备注",)),
)
CAPTION = dict(FIELDS)
# May end in an ellipsis, the first loses a line first. All other fields are printed whole or not at all.
SHORTENABLE = ("remarks", "precautions", "main_components", "harmful_components", "waste_name", "category")
ENLARGED = ("waste_code", "digital_id", "weight")
ONE_LINE = ("waste_code", "weight", "produced_on")
REQUIRED = ("waste_name", "category", "waste_code", "digital_id", "unit_name", "produced_on", "weight")


class Glyphs(Protocol):
    """What the check asks of a font."""

    def first_missing(self, text: str) -> str | None:
        """The first character without a glyph."""
        ...


def check_document(document: LabelDocument, face: Glyphs) -> None:
    """Raises LabelError, naming the field, for anything that would make the label invalid or unreadable."""
    for field in REQUIRED:
        if not getattr(document, field).strip():
            raise LabelError(field, "is empty", "a label without it is not valid; fill it in")
    id_is_plain = document.digital_id.isascii() and document.digital_id.isalnum()
    if len(document.digital_id) != sum(ID_SEGMENTS) or not id_is_plain:
        raise LabelError(
            "digital_id", f"{document.digital_id!r} is not 37 letters and digits", "check the number range"
        )
    if document.digital_id not in document.qr_payload:
        raise LabelError("qr_payload", "does not contain the digital id", "build it with label.document.qr_payload")
    if not document.hazard_characteristics:
        raise LabelError("hazard_characteristics", "is empty", f"name at least one of {', '.join(HAZARDS)}")
    for code in document.hazard_characteristics:
        if code not in HAZARDS or document.hazard_characteristics.count(code) > 1:
            raise LabelError("hazard_characteristics", f"{code!r} is unknown or doubled", f"use {', '.join(HAZARDS)}")
    if document.copy < 0:
        raise LabelError("copy", f"is {document.copy}", "count reprints from 1")
    for field, _ in FIELDS:
        value = getattr(document, field)
        missing = face.first_missing("".join(value) if isinstance(value, tuple) else value)
        if missing is not None:
            raise LabelError(
                field,
                f"character {missing!r} (U+{ord(missing):04X}) has no glyph in the font",
                "write it in another way or install a font that has it (fonts-noto-cjk)",
            )
    ours = TITLE + "…补打0123456789" + "".join("".join(lines) for _, lines in FIELDS)
    ours += "".join(hazard.word for hazard in HAZARDS.values())
    missing = face.first_missing(ours)
    if missing is not None:
        raise LabelError("title", f"the font lacks {missing!r}", "install fonts-wqy-microhei")
