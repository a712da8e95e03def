"""Which printer the configuration means: a profile, or the TSPL printer its own keys describe."""

from __future__ import annotations

from collections.abc import Iterator

from hazgate_edge.config import Printer
from hazgate_profiles import printers
from hazgate_profiles.registry import ProfileError
from hazgate_protocols.label.document import CHARACTER_MM
from hazgate_protocols.label.printer_profile import Answer, Language, PrinterProfile, StatusSpeech

SLOW_S = 10.0  # a label that takes longer to travel holds up the place
_BITS_A_BYTE = 10  # 8N1 with start and stop bit
# Bytes on the wire for a byte of dots: hex doubles them; Z64 was measured at a tenth, a full label at a fifth.
_HEX, _Z64 = 2.0, 0.2


class PrinterModelError(ValueError):
    """The configured profile cannot be used; the text says why and what there is."""


def model_of(printer: Printer) -> PrinterProfile:
    """The printer's profile. Raises PrinterModelError."""
    if printer.profile is not None:
        try:
            return printers.load(printer.profile)
        except ProfileError as exc:
            raise PrinterModelError(str(exc)) from exc
    status = StatusSpeech.TSPL_BYTE if printer.answers_status else StatusSpeech.NONE
    head_dots = printer.head_mm * printer.dots_per_mm
    return PrinterProfile(
        id="tspl-by-settings",
        title={"zh": "按设置的 TSPL 打印机", "en": "TSPL printer by its settings"},
        trust="assumed",
        source=("the box's configuration",),
        language=Language.TSPL,
        head_dots=head_dots,
        dots_per_mm=printer.dots_per_mm,
        status=status,
        links=("tcp", "file", "usb", "serial", "cups"),
        sides_mm=tuple(side for side in CHARACTER_MM if side * printer.dots_per_mm <= head_dots),
        answers=(Answer("00", "ready"),) if printer.answers_status else (),
    )


def contradictions(printer: Printer, model: PrinterProfile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Keys that say other than the profile, and a link it does not have."""
    if printer.kind not in model.links:
        yield ("printer", "kind"), f"{printer.kind} does not fit profile {model.id}; allowed: {', '.join(model.links)}"
    if printer.profile is None:
        return
    told = {"dots_per_mm": model.dots_per_mm, "head_mm": model.head_mm}
    for key, is_so in told.items():
        if key in printer.model_fields_set and getattr(printer, key) != is_so:
            yield ("printer", key), f"profile {model.id} says {is_so}; leave this key out, or take another profile"
    if "answers_status" in printer.model_fields_set and printer.answers_status and model.status is StatusSpeech.NONE:
        yield ("printer", "answers_status"), f"profile {model.id} never answers; leave this key out"
    if printer.proof_slips and model.language is not Language.ESCPOS:
        yield ("printer", "proof_slips"), f"profile {model.id} is no receipt printer; leave this key out"


def asked_for_status(printer: Printer, model: PrinterProfile) -> StatusSpeech:
    """How this printer is asked. answers_status: false beside a profile silences it; CUPS and a folder never answer."""
    mute = not printer.answers_status or printer.kind in ("cups", "folder")
    return StatusSpeech.NONE if mute else model.status


def seconds_on_the_line(printer: Printer, model: PrinterProfile, side_mm: int) -> float | None:
    """How long a label of this side travels over a serial line; None for any other link."""
    if printer.kind != "serial":
        return None
    dots = side_mm * model.dots_per_mm
    factor = 1.0
    if model.language is Language.ZPL:
        factor = _Z64 if model.compress else _HEX
    elif model.language is Language.CPCL:
        factor = _HEX
    return dots * dots / 8 * factor * _BITS_A_BYTE / printer.baud
