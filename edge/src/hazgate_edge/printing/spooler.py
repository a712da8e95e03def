"""The spooler: every queued label goes to the printer once, and what became of it is a record.

    state      means                                       leaves by
    queued     saved with its weighing, not yet tried       spooler -> printing
    printing   bytes may have left for the printer          outcome -> printed | failed | unknown
    failed     surely not printed, the reason is shown      spooler, when the printer is ready again -> printing
    unknown    may or may not be printed                    the operator's answer -> printed | failed and a copy queued
    printed    the printer took it and came to rest         (a reprint is a new job with the next copy number)

A job found in "printing" at the start of the program was cut off: unknown. An unknown job is never sent by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from hazgate_edge.config import Config
from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.journal.rows import PrintJob
from hazgate_edge.journal.store import Journal
from hazgate_edge.printing.drawing import CannotDrawError, Drawing, document_of
from hazgate_protocols.journal.bodies import WeighingBody

log = logging.getLogger(__name__)

STATUS_EVERY_S = 3.0
NOBODY = {"operator": "", "shift": ""}


class Outcome(Protocol):
    """What became of a job at the printer."""

    @property
    def state(self) -> PrintState: ...

    @property
    def say(self) -> Say | None: ...

    @property
    def detail(self) -> str: ...


class LabelPrinter(Protocol):
    """A printer as the spooler needs it."""

    async def readiness(self) -> tuple[Light, Say | None]:
        """Whether it would print now: GOOD, WARN (cannot be asked), BAD with the reason."""
        ...

    async def print_job(self, job: bytes) -> Outcome:
        """Send and watch; never raises for what a printer can do wrong."""
        ...


class Spooler:
    """One printer, one job at a time, oldest first."""

    def __init__(
        self,
        journal: Journal,
        printer: LabelPrinter,
        drawing: Drawing,
        config: Config,
        *,
        dev: dict[str, Any],
        on_record: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._printer = printer
        self._drawing = drawing
        self._config = config
        self._dev = dev
        self._on_record = on_record
        self._wake = asyncio.Event()
        self.light = Light.OFF
        self.say: Say | None = None

    def wake(self) -> None:
        """A job was queued: look now."""
        self._wake.set()

    async def recover(self) -> int:
        """Jobs cut off by the end of the last run become unknown; returns how many."""
        cut = [job for job in self._journal.open_jobs() if job.state is PrintState.PRINTING]
        for job in cut:
            await self._settle(job, PrintState.UNKNOWN, Say("PRN-03"), by="restart", detail="cut off while printing")
        return len(cut)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            await self._look()
            for job in self._journal.open_jobs():
                if not self._ready():
                    break
                if job.state is PrintState.QUEUED or self._may_retry(job):
                    await self._print(job)
            try:
                async with asyncio.timeout(STATUS_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def answer(self, job: PrintJob, *, printed: bool, who: dict[str, str]) -> None:
        """The operator's word on an unknown label: printed, or not.

        "Not" is a person's word, and it may be wrong: the label that follows is a marked copy, so that no two labels
        can both be the original.
        """
        if printed:
            await self._settle(job, PrintState.PRINTED, None, by="operator", detail="seen by the operator", who=who)
            return

        def again() -> None:
            detail = "not seen by the operator"
            self._journal.do_settle_job(
                job, PrintState.FAILED, None, by="operator", detail=detail, who=who, dev=self._dev
            )
            self._journal.do_reprint(job.rid, "not_printed", who=who, dev=self._dev)

        await self._journal.write(again)
        self._on_record()
        self.again()

    async def retry(self, job: PrintJob) -> None:
        """Try a failed job now."""
        await self._journal.write(lambda: self._journal.do_set_job(job, PrintState.QUEUED, None))
        self.again()

    def again(self) -> None:
        """An older label was queued again: look now, and at all."""
        self._journal.reopen_jobs()
        self.wake()

    def _ready(self) -> bool:
        return self.light is not Light.BAD

    def _may_retry(self, job: PrintJob) -> bool:
        undrawable = job.say is not None and job.say.key == "PRN-10"
        return job.state is PrintState.FAILED and not undrawable

    async def _look(self) -> None:
        light, say = await self._printer.readiness()
        if light is not self.light:
            level = logging.WARNING if light is Light.BAD else logging.INFO
            log.log(level, "printer: %s %s", light, say.key if say else "")
        self.light, self.say = light, say

    async def _print(self, job: PrintJob) -> None:
        body = WeighingBody.from_json(job.body)
        document = document_of(body, self._config, job.copy)
        try:
            drawn = await self._drawing.draw_job(document, side_mm=body.label_side_mm, labels=body.labels)
        except CannotDrawError as exc:
            log.warning("draw label %s: %s", body.label, exc)
            say = Say("PRN-10", {"why": str(exc)[:200]})
            await self._settle(job, PrintState.FAILED, say, by="box", detail=str(exc))
            return
        await self._journal.write(lambda: self._journal.do_set_job(job, PrintState.PRINTING, None))
        outcome = await self._printer.print_job(drawn.data)
        repeated = job.state is PrintState.FAILED and outcome.state is PrintState.FAILED
        if repeated:  # the first failure is on record; the hundredth of an empty paper tray is no news
            await self._journal.write(lambda: self._journal.do_set_job(job, PrintState.FAILED, outcome.say))
        else:
            log.info("label %s: %s %s", body.label, outcome.state, outcome.detail)
            # "Failed" means that nothing was sent: then no picture was either.
            picture = None if outcome.state is PrintState.FAILED else drawn.picture.as_json()
            await self._settle(job, outcome.state, outcome.say, by="printer", detail=outcome.detail, picture=picture)
        if outcome.state is not PrintState.PRINTED:
            await self._look()

    async def _settle(
        self,
        job: PrintJob,
        state: PrintState,
        say: Say | None,
        *,
        by: str,
        detail: str,
        who: dict[str, str] | None = None,
        picture: dict[str, Any] | None = None,
    ) -> None:
        await self._journal.write(
            lambda: self._journal.do_settle_job(
                job, state, say, by=by, detail=detail, who=who or NOBODY, dev=self._dev, picture=picture
            )
        )
        self._on_record()
