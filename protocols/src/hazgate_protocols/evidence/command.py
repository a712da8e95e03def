"""hazgate-verify FILE: check an evidence file, or checkpoints, offline; say in words what it proves and what not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hazgate_protocols.evidence.bundle import BUNDLE_BYTES_MAX, DamagedError, NotABundleError, decode_bundle
from hazgate_protocols.evidence.checkpoints import MARK, check_checkpoints
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.report import TEXT_CHARS_MAX, Report, Verdict
from hazgate_protocols.journal.checkpoint import FILE_BYTES_MAX, CheckpointError, decode
from hazgate_protocols.journal.seal import KEY_BYTES
from hazgate_protocols.text import one_line

PROVED, FAILED, NO_BUNDLE = 0, 1, 2
_SIGN = {Verdict.PROVED: "✓", Verdict.FAILED: "✗", Verdict.OPEN: "?"}


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything checked holds. 1: something does not, and the line is named. 2: no evidence file, or misuse."""
    asked = parser().parse_args(arguments)
    try:
        if asked.file.stat().st_size > BUNDLE_BYTES_MAX:
            raise NotABundleError(f"larger than {BUNDLE_BYTES_MAX} bytes")
        data = asked.file.read_bytes()
        if asked.more or data.startswith(MARK):
            return _checkpoints([asked.file, *asked.more], asked.collector_key)
        bundle = decode_bundle(data)
    except (OSError, NotABundleError) as exc:
        print(f"{asked.file}: not an evidence file: {exc}", file=sys.stderr)
        return NO_BUNDLE
    except DamagedError as exc:
        print(f"✗ {one_line(str(exc), TEXT_CHARS_MAX)}\n")
        print("ALTERED. The file is not as it was made; nothing else in it was looked at.")
        return FAILED
    report = check(bundle, collector_key=asked.collector_key, box_key=asked.box_key)
    _tell(report)
    print(f"\n{_conclusion(report, pinned=asked.collector_key is not None and asked.box_key is not None)}")
    return PROVED if report.holds else FAILED


def _checkpoints(files: Sequence[Path], collector_key: bytes | None) -> int:
    given = []
    for file in files:
        try:
            with file.open("rb") as opened:
                given.append(decode(opened.read(FILE_BYTES_MAX + 1)))
        except (OSError, CheckpointError) as exc:
            print(f"{file}: no checkpoint, or changed: {one_line(str(exc), TEXT_CHARS_MAX)}", file=sys.stderr)
            return NO_BUNDLE
    report = check_checkpoints(given, collector_key=collector_key)
    _tell(report)
    print(f"\n{_conclusion(report, pinned=collector_key is not None)}")
    return PROVED if report.holds else FAILED


def _tell(report: Report) -> None:
    for verdict, heading in (
        (Verdict.FAILED, "What does not hold"),
        (Verdict.PROVED, "What is proved"),
        (Verdict.OPEN, "What this file cannot prove"),
    ):
        found = [finding for finding in report.findings if finding.verdict is verdict]
        if found:
            print(f"{heading}:")
            for finding in found:
                print(f"  {_SIGN[verdict]} {finding.text}")


def _conclusion(report: Report, *, pinned: bool) -> str:
    if not report.holds:
        return "NOT PROVED."
    return "PROVED, within the limits above." if pinned else "PROVED, if the keys named above are the true ones."


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(
        prog="hazgate-verify",
        description="Check an evidence file, or checkpoints, offline: what they prove, and what they cannot.",
    )
    made.add_argument("file", type=Path, help="An evidence file (hazgate-cloud evidence), or a checkpoint.")
    made.add_argument("more", type=Path, nargs="*", help="More checkpoints: whether each extends the one before.")
    made.add_argument("--collector-key", type=_key, metavar="HEX", help="The collector's public key, if you know it.")
    made.add_argument("--box-key", type=_key, metavar="HEX", help="The box's public key, if you know it.")
    return made


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise argparse.ArgumentTypeError(f"{KEY_BYTES} bytes in hex are wanted")
    return key


def run() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()
