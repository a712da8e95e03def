"""Printers that only take a job and tell nothing: a CUPS queue and a folder. Taken is not printed, so every job that
was taken ends as UNKNOWN and a person answers for it.

CUPS is spoken to by its commands `lp` and `lpstat` (package cups-client): its job state "completed" means handed over
to the printer, as CUPS' own documents say of raw queues, and pycups cannot be installed without headers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

from hazgate_edge.domain.view import Light, PrintState, Say
from hazgate_edge.printing.files import read_files_job
from hazgate_edge.printing.job_printer import PrintOutcome

COMMAND_TIMEOUT_S = 15.0
OUTPUT_SHOWN = 200
FILES_MAX = 10_000  # then somebody has stopped looking at the folder


class CupsPrinter:
    """A raw CUPS queue. The job must be in the printer's own language."""

    def __init__(self, queue: str, *, search_path: str | None = None, timeout_s: float = COMMAND_TIMEOUT_S) -> None:
        """search_path: where `lp` and `lpstat` are looked for, None = PATH."""
        self._queue = queue
        self._search_path = search_path
        self._timeout_s = timeout_s

    async def readiness(self) -> tuple[Light, Say | None]:
        """WARN: it takes jobs, and nothing more can be known. BAD when the queue is not there or is stopped."""
        try:
            code, text = await self._run("lpstat", "-p", self._queue)
        except OSError:
            return Light.BAD, Say("PRN-02")
        if code != 0:
            return Light.BAD, Say("PRN-02")
        return (Light.BAD, Say("PRN-07")) if "disabled" in text else (Light.WARN, None)

    async def print_job(self, job: bytes) -> PrintOutcome:
        """Give the job to the queue. FAILED only when `lp` refused it, or was never started."""
        try:
            code, text = await self._run("lp", "-d", self._queue, "-o", "raw", "-s", stdin=job)
        except TimeoutError:
            return self._outcome(PrintState.UNKNOWN, "PRN-03", f"lp gave no answer in {self._timeout_s:g} s")
        except OSError as error:
            return self._outcome(PrintState.FAILED, "PRN-02", f"lp: {error}; nothing was sent")
        if code != 0:
            return self._outcome(PrintState.FAILED, "PRN-02", f"lp refused the job: {text}; nothing was sent")
        return self._outcome(
            PrintState.UNKNOWN, "PRN-03", 'handed over to CUPS; its "completed" would say no more than that'
        )

    async def about(self) -> str:
        """What `lpstat` says of the queue, for doctor. Raises OSError."""
        code, text = await self._run("lpstat", "-p", self._queue)
        return text or f"lpstat ended with {code}"

    def _outcome(self, state: PrintState, key: str, detail: str) -> PrintOutcome:
        return PrintOutcome(state, Say(key), f"print label on CUPS queue {self._queue}: {detail}")

    async def _run(self, command: str, *arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        """Exit status and the beginning of what was said. Raises OSError, TimeoutError among them."""
        program = shutil.which(command, path=self._search_path)
        if program is None:
            raise OSError(f"{command} is not installed (package cups-client)")
        # C: "disabled" is looked for in the answer.
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, "LC_ALL": "C"}
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                out, err = await process.communicate(stdin)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, " ".join((out + err).decode("utf-8", "replace").split())[:OUTPUT_SHOWN]


class FolderPrinter:
    """A folder that takes PNG or PDF files; the job names them itself (files.files_job)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def readiness(self) -> tuple[Light, Say | None]:
        """WARN: files are written, and whether someone prints them is not known. BAD when it cannot be written."""
        there = await asyncio.to_thread(lambda: self._folder.is_dir() and os.access(self._folder, os.W_OK))
        return (Light.WARN, None) if there else (Light.BAD, Say("PRN-02"))

    async def print_job(self, job: bytes) -> PrintOutcome:
        """Write the job's files; UNKNOWN when they are there, FAILED when none is."""
        try:
            names = await asyncio.to_thread(self._write, job)
        except (OSError, ValueError) as error:
            return PrintOutcome(
                PrintState.FAILED, Say("PRN-02"), f"write label into {self._folder}: {error}; no file was left there"
            )
        detail = f"written as {', '.join(names)}; a file is no label yet"
        return PrintOutcome(PrintState.UNKNOWN, Say("PRN-03"), f"write label into {self._folder}: {detail}")

    def _write(self, job: bytes) -> list[str]:
        names, content = read_files_job(job)
        with os.scandir(self._folder) as entries:
            if sum(1 for _ in entries) + len(names) > FILES_MAX:
                raise OSError(f"more than {FILES_MAX} files are there; take the printed ones out")
        written: list[Path] = []
        try:
            for name in names:
                path = self._folder / name
                fresh = path.with_name(f".{name}.new")
                with fresh.open("wb") as file:
                    written.append(fresh)
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            for name, fresh in zip(names, list(written), strict=True):
                fresh.rename(self._folder / name)
                written.append(self._folder / name)
        except OSError:
            for path in written:
                path.unlink(missing_ok=True)
            raise
        return names
