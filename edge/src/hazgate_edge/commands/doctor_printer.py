"""`doctor`, the printer: which one is meant, in which language it is asked, and what it answers."""

from __future__ import annotations

from hazgate_edge import app
from hazgate_edge.config import Config
from hazgate_edge.domain.view import Light
from hazgate_edge.printing.handed_over import CupsPrinter
from hazgate_edge.printing.job_printer import JobPrinter
from hazgate_edge.printing.model import PrinterModelError, asked_for_status, model_of
from hazgate_edge.printing.usb import plugged_in
from hazgate_protocols.label.printer_profile import StatusSpeech

LOOK = "look at paper, cover and cable; then print from the terminal"
OTHER_PROFILE = "it speaks another language than the profile says: take another profile (docs/devices.md)"
SILENT = "switch it on; one that can never answer wants answers_status: false, and every label is confirmed by hand"


async def examine(config: Config) -> tuple[Light, str, str]:
    """Light, what is known, and what to do about it."""
    try:
        model = model_of(config.printer)
    except PrinterModelError as exc:
        return Light.BAD, str(exc), "name a profile of docs/devices.md"
    speech = asked_for_status(config.printer, model)
    head = f", head {model.head_mm} mm" if model.head_dots else ""
    what = f"{model.id} ({model.language}{head}, {model.dots_per_mm} dots/mm)"
    if not model.prints_labels:
        what += ", prints slips, no labels"
    printer = app.printer_of(config)
    light, say = await printer.readiness()
    if isinstance(printer, CupsPrinter):
        try:
            what += f"; lpstat: {await printer.about()}"
        except OSError as exc:
            return light, f"{what}; {exc}", LOOK
        return light, what, "" if light is not Light.BAD else "name an enabled raw queue: lpstat -p"
    if not isinstance(printer, JobPrinter):
        return light, what, "" if light is not Light.BAD else "make the folder and let the box's account write in it"
    there = "; ".join(map(str, plugged_in())) if config.printer.kind == "usb" else ""
    usb = f"; plugged in: {there or 'no USB printer'}" if config.printer.kind == "usb" else ""
    if speech is StatusSpeech.NONE:
        return light, f"{what} at {printer.target}: cannot be asked, so every label is confirmed by hand{usb}", ""
    key = f" ({say.key})" if say else ""
    text = f"{what} at {printer.target}: asked as {speech}, {printer.heard}{key}{usb}"
    if light is not Light.BAD:
        return light, text, ""
    todo = {"PRN-12": OTHER_PROFILE, "PRN-08": SILENT}.get(say.key if say else "", LOOK)
    return light, text, todo
