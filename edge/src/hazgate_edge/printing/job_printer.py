"""Print one job, in whatever language, and say honestly what is known of it: printed, failed or unknown.

No printer language confirms a label, so the rule is: status before, send, poll until the printer was seen printing and
then idle, close. FAILED is said only when no byte of the job left us: then the same job may safely be sent again.
PRINTED is said only when "printing" was seen after sending and then "ready" twice. Everything between is UNKNOWN: a
person must look. A printer that does not answer is never taken for ready; ESC/POS never tells printing from idle, so
a slip is never called printed by the box itself.

    key     meaning                          outcome
    PRN-01  out of paper                     failed (before sending)
    PRN-02  cannot be reached                failed
    PRN-03  may or may not have printed      unknown; `detail` has what the printer said
    PRN-04  head or cover open               failed
    PRN-05  ribbon out                       failed
    PRN-06  jam or another fault             failed
    PRN-07  paused                           failed
    PRN-08  connected but answers no status  failed
    PRN-09  busy with something else         failed
    PRN-12  answers in another language      failed
    PRN-13  head too hot                     failed
    PRN-14  battery low                      failed
    PRN-15  the last label was not taken     failed
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.printing.asking import ask_status
from hazgate_edge.printing.links import PrinterLink, Target, open_link
from hazgate_protocols.label.printer_profile import StatusSpeech
from hazgate_protocols.label.status import PrinterStatus

# Most urgent first: what the operator is told when several bits are set.
FAULT_KEYS = (
    (PrinterStatus.HEAD_OPEN | PrinterStatus.COVER_OPEN, "PRN-04"),
    (PrinterStatus.PAPER_OUT, "PRN-01"),
    (PrinterStatus.RIBBON_OUT, "PRN-05"),
    (PrinterStatus.JAM, "PRN-06"),
    (PrinterStatus.HEAD_HOT, "PRN-13"),
    (PrinterStatus.BATTERY_LOW, "PRN-14"),
    (PrinterStatus.OTHER_ERROR | PrinterStatus.OFFLINE, "PRN-06"),
    (PrinterStatus.PAUSED, "PRN-07"),
    (PrinterStatus.LABEL_WAITING, "PRN-15"),
)
READY_ANSWERS = 2  # one "ready" could fall between two labels of a job
POLL_S = 0.1  # a 100 mm label takes 1 s at 4 inch/s: "printing" cannot be missed


@dataclass(frozen=True, slots=True)
class PrintOutcome:
    """What became of a job: PRINTED, FAILED or UNKNOWN, what to tell the operator, and the detail for the log."""

    state: PrintState
    say: Say | None
    detail: str


class JobPrinter:
    """One label printer. Jobs and status questions go one after the other; each opens and closes its own connection."""

    def __init__(
        self,
        target: Target,
        *,
        speech: StatusSpeech = StatusSpeech.TSPL_BYTE,
        connect_timeout_s: float = 3.0,
        status_timeout_s: float = 1.0,
        send_timeout_s: float = 10.0,
        print_timeout_s: float = 20.0,
        poll_s: float = POLL_S,
    ) -> None:
        """speech: how it is asked; with NONE every job ends as UNKNOWN.

        send_timeout_s bounds each chunk; print_timeout_s the wait for idle, before as well as after sending.
        """
        self._target = target
        self._speech = speech
        self._connect_timeout_s = connect_timeout_s
        self._status_timeout_s = status_timeout_s
        self._send_timeout_s = send_timeout_s
        self._print_timeout_s = print_timeout_s
        self._poll_s = poll_s
        self._line = asyncio.Lock()
        self._last: PrinterStatus | None = None
        self._foreign = False  # its last answer was in another printer language

    async def status(self) -> PrinterStatus | None:
        """What the printer says now, None when it does not answer or cannot be reached: unknown, never fine.

        While a job is under way its newest answer is given, as the printer serves one client at a time.
        """
        if self._line.locked():
            return self._last
        async with self._line:
            if self._speech is StatusSpeech.NONE:
                return None
            try:
                link = await self._open()
                try:
                    return await self._ask(link)
                finally:
                    await link.close()
            except OSError:
                return None

    @property
    def target(self) -> Target:
        """Where it is."""
        return self._target

    @property
    def heard(self) -> str:
        """What its newest answer was, in words."""
        if self._foreign:
            return "it answers in another language"
        return "it gives no answer" if self._last is None else f"it says: {self._last.words}"

    async def readiness(self) -> tuple[Light, Say | None]:
        """Whether a label could be printed now: GOOD, WARN (this printer cannot be asked), BAD with the reason."""
        if self._speech is StatusSpeech.NONE:
            return Light.WARN, None
        async with self._line:
            self._foreign, self._last = False, None
            try:
                link = await self._open()
            except OSError:
                return Light.BAD, Say("PRN-02")
            try:
                status = await self._ask(link)
            except OSError:
                return Light.BAD, Say("PRN-02")
            finally:
                await link.close()
        if status is None:
            return Light.BAD, Say("PRN-12" if self._foreign else "PRN-08")
        return (Light.BAD, Say(_fault_key(status))) if status.faults else (Light.GOOD, None)

    async def print_job(self, job: bytes) -> PrintOutcome:
        """Send one job and wait for what becomes of it. Never raises for the printer's sake.

        When cancelled after the call began, the caller must take the job for UNKNOWN.
        """
        async with self._line:
            try:
                link = await self._open()
            except OSError as error:
                return self._failed("PRN-02", f"connect: {_cause(error)}")
            try:
                return await self._print_over(link, job)
            finally:
                await link.close()

    async def _print_over(self, link: PrinterLink, job: bytes) -> PrintOutcome:
        try:
            if self._speech is not StatusSpeech.NONE:
                refusal = await self._refusal_before(link)
                if refusal is not None:
                    return refusal
            await link.send(job, self._send_timeout_s)
            if self._speech is StatusSpeech.NONE:
                return self._unknown(f"sent {len(job)} bytes; this printer reports no status")
            if self._speech is StatusSpeech.ESCPOS_DLE:
                return await self._outcome_of_slip(link)
            return await self._outcome_after(link)
        except OSError as error:
            if link.bytes_left_us:
                return self._unknown(f"connection lost after the job began to leave: {_cause(error)}")
            return self._failed("PRN-02", f"connection lost before the job: {_cause(error)}")

    async def _refusal_before(self, link: PrinterLink) -> PrintOutcome | None:
        """Why nothing should be sent; None when the printer says it is ready."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._print_timeout_s
        while True:
            status = await self._ask(link)
            if status is None and self._foreign:
                return self._failed("PRN-12", f"answers a status request ({self._speech}) in another printer language")
            if status is None:
                return self._failed("PRN-08", f"no answer to a status request in {self._status_timeout_s:g} s")
            if status.faults:
                return self._failed(_fault_key(status), f"reports {status.words}")
            if status.ready:
                return None
            if loop.time() > end:
                return self._failed("PRN-09", f"still busy with something else after {self._print_timeout_s:g} s")
            await asyncio.sleep(self._poll_s)

    async def _outcome_after(self, link: PrinterLink) -> PrintOutcome:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._print_timeout_s
        seen_printing = False
        ready_answers = 0
        status: PrinterStatus | None = None
        while loop.time() < end:
            status = await self._ask(link)
            if status is not None and status.faults:
                return self._unknown(f"reports {status.words} after the job was sent")
            seen_printing = seen_printing or (status is not None and status.busy)
            ready_answers = ready_answers + 1 if status is not None and status.ready else 0
            if seen_printing and ready_answers >= READY_ANSWERS:
                return PrintOutcome(PrintState.PRINTED, None, f"{self._target}: seen printing, then ready")
            await asyncio.sleep(self._poll_s)
        last = "no answer" if status is None else status.words
        seen = "was seen printing" if seen_printing else "was never seen printing"
        return self._unknown(f"{seen} in {self._print_timeout_s:g} s; last answer: {last}")

    async def _outcome_of_slip(self, link: PrinterLink) -> PrintOutcome:
        """Never PRINTED; but what went wrong is told."""
        status = await self._ask(link)
        if status is not None and status.faults:
            return self._unknown(f"reports {status.words} after the job was sent")
        said = "gave no answer" if status is None else "says it is ready"
        return self._unknown(f"sent; the printer {said}, and its language does not tell whether it has printed")

    async def _open(self) -> PrinterLink:
        reads = self._speech is not StatusSpeech.NONE
        return await open_link(self._target, timeout_s=self._connect_timeout_s, reads=reads)

    async def _ask(self, link: PrinterLink) -> PrinterStatus | None:
        heard = await ask_status(link, self._speech, self._status_timeout_s)
        self._foreign, self._last = heard.foreign, heard.status
        return heard.status

    def _failed(self, key: str, detail: str) -> PrintOutcome:
        return PrintOutcome(PrintState.FAILED, Say(key), f"print label on {self._target}: {detail}; nothing was sent")

    def _unknown(self, detail: str) -> PrintOutcome:
        return PrintOutcome(PrintState.UNKNOWN, Say("PRN-03"), f"print label on {self._target}: {detail}")


def _fault_key(status: PrinterStatus) -> str:
    return next(key for flags, key in FAULT_KEYS if status & flags)


def _cause(error: OSError) -> str:
    return str(error) or type(error).__name__
