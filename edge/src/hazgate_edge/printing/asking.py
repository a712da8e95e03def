"""Asking a printer for its status, in the way its profile says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hazgate_edge.printing.links import PrinterLink
from hazgate_protocols.label import cpcl, escpos, tspl, zpl
from hazgate_protocols.label.printer_profile import StatusSpeech, meaning_of
from hazgate_protocols.label.status import PrinterStatus

ANSWER_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Heard:
    """status: None when there was no answer, or none of its language; then `foreign` tells which."""

    status: PrinterStatus | None
    foreign: bool = False


async def ask_status(link: PrinterLink, speech: StatusSpeech, timeout_s: float) -> Heard:
    """One question (four for ESC/POS) and what the answer means. Raises OSError when the link is lost."""
    if speech is StatusSpeech.NONE:
        return Heard(None)
    if speech is StatusSpeech.ESCPOS_DLE:
        answers: list[bytes] = []
        for request in escpos.REQUESTS:
            answers.append(await link.ask(request, timeout_s))
            if not answers[-1]:
                return Heard(None)  # never fine; and nobody waits four times for a printer that is silent
        status = meaning_of(speech, tuple(answers))
        return Heard(status, foreign=status is None)
    if speech is StatusSpeech.ZPL_HS:
        return await _ask_zpl(link, timeout_s)
    if speech is StatusSpeech.TSPL_TEXT:
        answer = await _gather(link, tspl.TEXT_REQUEST, timeout_s, lambda got: tspl.decode_text(got) is not None)
    else:
        answer = await link.ask(_ONE_BYTE[speech], timeout_s)
    status = meaning_of(speech, (answer,))
    return Heard(status, foreign=status is None and bool(answer))


_ONE_BYTE = {StatusSpeech.TSPL_BYTE: tspl.STATUS_REQUEST, StatusSpeech.CPCL_H: cpcl.STATUS_REQUEST}


async def _ask_zpl(link: PrinterLink, timeout_s: float) -> Heard:
    """~HS. Zebra's guide: some models leave it unanswered while they have an error, so silence is one; ~HQES names
    it, and where that names none it is still an error."""
    answer = await _gather(link, zpl.HOST_STATUS, timeout_s, zpl.is_whole)
    status = zpl.decode_host_status(answer)
    if status is not None or answer:
        return Heard(status, foreign=status is None)
    answer = await _gather(link, zpl.ERROR_STATUS, timeout_s, lambda got: zpl.decode_errors(got) is not None)
    # A host status that comes late, behind the second question, is the better answer.
    status = zpl.decode_host_status(answer)
    if status is None:
        errors = zpl.decode_errors(answer)
        status = errors if errors is None or errors.faults else PrinterStatus.OTHER_ERROR
    return Heard(status, foreign=status is None and bool(answer))


async def _gather(link: PrinterLink, request: bytes, timeout_s: float, whole: Callable[[bytes], bool]) -> bytes:
    """An answer of several reads; what came in time when it stays unfinished."""
    answer = await link.ask(request, timeout_s)
    while answer and not whole(answer) and len(answer) < ANSWER_BYTES_MAX:
        more = await link.ask(b"", timeout_s)
        if not more:
            break
        answer += more
    return answer
