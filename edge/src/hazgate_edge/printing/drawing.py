"""The agent's side of the drawing process: started when a label is wanted, ended when none was for a while."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from hazgate_edge.config import Config, Printer
from hazgate_edge.printing.draw import ANSWER_HEAD
from hazgate_edge.printing.model import model_of
from hazgate_protocols.codes.catalogue import catalogue
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.label.document import LabelDocument, qr_payload
from hazgate_protocols.label.weighing import PrintedPicture, label_of_weighing, texts_of

DRAW_TIMEOUT_S = 20.0
IDLE_S = 120.0
ANSWER_BYTES_MAX = 8 << 20


class CannotDrawError(Exception):
    """The label cannot be drawn; the text says which field and why."""


def document_of(body: WeighingBody, config: Config, copy: int) -> LabelDocument:
    """What the label of a weighing says. Texts that the record does not carry come from the configuration."""
    waste = config.waste(body.waste_code)
    category = f"{body.category} {catalogue().categories.get(body.category, '')}".strip()
    texts = {
        "category": category,
        "physical_form": waste.form if waste else "",
        "main_components": waste.main_components if waste else "",
        "harmful_components": waste.harmful_components if waste else "",
        "precautions": waste.precautions if waste else "",
        "contact": config.unit.contact,
        "remarks": "",
        "qr_payload": qr_payload(config.label_qr_base, body.label),
    }
    return label_of_weighing(body, texts, copy)


@dataclasses.dataclass(frozen=True, slots=True)
class DrawnJob:
    """A label ready for the printer, and which picture that is."""

    data: bytes
    picture: PrintedPicture


class Drawing:
    """Draws one label at a time."""

    def __init__(self, printer: Printer, font: Path | None) -> None:
        self._printer = printer
        self._model = dataclasses.asdict(model_of(printer))
        self._font = font
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def draw_job(self, document: LabelDocument, *, side_mm: int, labels: int) -> DrawnJob:
        """The label in the printer's language; where proof slips are configured, one slip: 0 labels.

        Raises CannotDrawError with the reason; a dead process is replaced.
        """
        form = "slip" if self._printer.proof_slips else "job"
        head, _, data = (await self._answer(document, form, side_mm, labels)).partition(b"\n")
        drawn: dict[str, Any] = json.loads(head)
        if self._printer.proof_slips:
            labels = 0
        return DrawnJob(data, PrintedPicture(**drawn, labels=labels, texts=texts_of(document)))

    async def draw_png(self, document: LabelDocument, *, side_mm: int) -> bytes:
        """The label in full colour for screens. Raises CannotDrawError like draw_job()."""
        return await self._answer(document, "png", side_mm, 1)

    async def warm(self) -> None:
        """Have the process ready before the first label is wanted."""
        async with self._lock:
            await self._start()

    def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        self._end()

    async def _answer(self, document: LabelDocument, form: str, side_mm: int, labels: int) -> bytes:
        request = {
            "document": dataclasses.asdict(document),
            "form": form,
            "side_mm": side_mm,
            "profile": self._model,
            "gap_mm": self._printer.gap_mm,
            "turn": self._printer.turn,
            "labels": labels,
            "font": str(self._font) if self._font else "",
        }
        async with self._lock:
            try:
                async with asyncio.timeout(DRAW_TIMEOUT_S):
                    code, body = await self._ask(json.dumps(request).encode() + b"\n")
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as exc:
                self._end()
                raise CannotDrawError(f"the drawing process gave no answer ({type(exc).__name__})") from exc
            except asyncio.CancelledError:
                self._end()  # half an answer may be in the pipe
                raise
        if code:
            raise CannotDrawError(body.decode(errors="replace"))
        return body

    async def _ask(self, line: bytes) -> tuple[int, bytes]:
        process = await self._start()
        if process.stdin is None or process.stdout is None:
            raise ConnectionError("no pipes")
        process.stdin.write(line)
        await process.stdin.drain()
        head = await process.stdout.readexactly(ANSWER_HEAD)
        length = int.from_bytes(head[1:], "big")
        if length > ANSWER_BYTES_MAX:
            raise ConnectionError(f"answer of {length} bytes")
        return head[0], await process.stdout.readexactly(length)

    async def _start(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hazgate_edge.printing.draw", stdin=PIPE, stdout=PIPE
            )
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._end)
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
