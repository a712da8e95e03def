"""A weighing's label, and how the box's print record names what it sent to the printer.

The weighing record does not carry every text of the label; the print record carries the others, so that the same label
can be drawn again, years later, from the two records alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.label.document import LabelDocument

# What the label says beyond its weighing record: from the catalogue and the box's configuration.
TEXTS = (
    "category", "physical_form", "main_components", "harmful_components", "precautions", "contact", "remarks",
    "qr_payload",
)  # fmt: skip


class PrintedError(ValueError):
    """What a print record says of its picture makes no sense; the text names the key."""


@dataclass(frozen=True, slots=True)
class PrintedPicture:
    """The key `picture` of a print record: which dots were sent to the printer, and what they were drawn from."""

    sha256: str  # Picture.digest() in hex
    width: int  # dots
    height: int
    labels: int  # so many labels of this one picture
    drawn_by: str  # versions and font; the same ones draw the same dots
    texts: Mapping[str, str]  # TEXTS

    def as_json(self) -> dict[str, Any]:
        """As the record carries it."""
        return {
            "sha256": self.sha256,
            "width": self.width,
            "height": self.height,
            "labels": self.labels,
            "drawn_by": self.drawn_by,
            "texts": dict(self.texts),
        }

    @classmethod
    def from_json(cls, value: object) -> PrintedPicture:
        """Raises PrintedError. Texts this version does not know are kept; it draws without them."""
        if not isinstance(value, dict):
            raise PrintedError("picture is no object")
        for key, kind in (("sha256", str), ("drawn_by", str), ("width", int), ("height", int), ("labels", int)):
            if type(value.get(key)) is not kind:
                raise PrintedError(f"picture {key!r} is no {'text' if kind is str else 'whole number'}")
        texts = value.get("texts")
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise PrintedError("picture 'texts' are no texts")
        return cls(value["sha256"], value["width"], value["height"], value["labels"], value["drawn_by"], texts)


def label_of_weighing(body: WeighingBody, texts: Mapping[str, str], copy: int) -> LabelDocument:
    """What the label of this weighing says with these TEXTS. Raises KeyError for one that is missing."""
    return LabelDocument(
        waste_name=body.waste_name,
        category=texts["category"],
        waste_code=body.waste_code,
        physical_form=texts["physical_form"],
        main_components=texts["main_components"],
        harmful_components=texts["harmful_components"],
        hazard_characteristics=body.hazards,
        precautions=texts["precautions"],
        digital_id=body.label,
        unit_name=body.unit_name,
        contact=texts["contact"],
        produced_on=body.produced_on,
        weight=f"{body.weight_text} {body.weight_unit}",
        remarks=texts["remarks"],
        qr_payload=texts["qr_payload"],
        copy=copy,
    )


def texts_of(document: LabelDocument) -> dict[str, str]:
    """The TEXTS of a label."""
    return {name: getattr(document, name) for name in TEXTS}
