"""hazgate-verify FILE: check an evidence file, or checkpoints, offline; say in words what it proves and what not."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from hazgate_protocols.certificate import CERTIFICATE_BYTES_MAX, Certificate, CertificateError, decode_certificate
from hazgate_protocols.evidence.bundle import BUNDLE_BYTES_MAX, Bundle, DamagedError, NotABundleError, decode_bundle
from hazgate_protocols.evidence.checkpoints import MARK, check_checkpoints
from hazgate_protocols.evidence.checks import check
from hazgate_protocols.evidence.extract import extract
from hazgate_protocols.evidence.report import TEXT_CHARS_MAX, Report, Verdict
from hazgate_protocols.journal.checkpoint import FILE_BYTES_MAX, CheckpointError, decode
from hazgate_protocols.journal.seal import KEY_BYTES
from hazgate_protocols.journal.suite import SuiteMissingError, suite_of_key
from hazgate_protocols.text import one_line

PROVED, FAILED, NO_BUNDLE, NOT_AS_ASKED = 0, 1, 2, 3
_SIGN = {Verdict.PROVED: "✓", Verdict.FAILED: "✗", Verdict.OPEN: "?"}
WIDTH_MAX = 120  # columns; longer lines are hard to read
_HEADINGS = (
    (Verdict.FAILED, "What does not hold"),
    (Verdict.PROVED, "What is proved"),
    (Verdict.OPEN, "What this file cannot prove"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything checked holds. 1: something does not, and the line is named. 2: no evidence file, misuse, or a
    suite this machine cannot check. 3: the file holds, and the checkpoint given does not speak of its weighing."""
    asked = parser().parse_args(arguments)
    try:
        data = _read(asked.file, BUNDLE_BYTES_MAX)
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
    try:
        report = check(
            bundle,
            collector_key=asked.collector_key,
            box_key=asked.box_key,
            root=asked.root,
            checkpoint=asked.checkpoint,
        )
    except SuiteMissingError as exc:
        print(f"{asked.file}: cannot be checked on this machine: {exc}; try OpenSSL 3 as in Debian 12", file=sys.stderr)
        return NO_BUNDLE
    written = None
    if asked.extract is not None:  # before anything is said: a report without its verdict helps nobody
        written = _extracted(bundle, asked.extract)
        if written is None:
            return NO_BUNDLE
    head = bundle.parts[0]
    about = f"Label {head['label']}, weighed by box {head['box']}; file made {head['made_at']} by {head['made_by']}."
    print(f"{one_line(about, TEXT_CHARS_MAX)}\n")
    _show(report)
    if written is not None:
        print(f"\n{written}")
    print(f"\n{_conclusion(report, known=report.keys_known)}")
    if not report.holds:
        return FAILED
    return NOT_AS_ASKED if report.unanswered else PROVED


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
    _show(report)
    print(f"\n{_conclusion(report, known=collector_key is not None)}")
    return PROVED if report.holds else FAILED


def _show(report: Report) -> None:
    width = min(shutil.get_terminal_size().columns, WIDTH_MAX) if sys.stdout.isatty() else None
    for verdict, heading in _HEADINGS:
        found = [finding.text for finding in report.findings if finding.verdict is verdict]
        if found:
            print(f"{heading}:")
        for text in found:
            line = f"  {_SIGN[verdict]} {text}"
            # Into a file or a pipe a sentence is one line, for programs to find.
            print(textwrap.fill(line, width, subsequent_indent="    ", break_on_hyphens=False) if width else line)


def _conclusion(report: Report, *, known: bool) -> str:
    if not report.holds:
        return "NOT PROVED."
    if report.unanswered:
        said = "NOT PROVED AS ASKED. The file itself holds" + ("." if known else ", if its keys are the true ones.")
    else:
        said = "PROVED, within the limits above." if known else "PROVED, if the keys named above are the true ones."
    return " ".join([said, *report.caveats])


def _extracted(bundle: Bundle, folder: Path) -> str | None:
    """What was written, in words; None, and it is said, when the folder does not do."""
    try:
        names = extract(bundle, folder)
    except OSError as exc:
        print(f"extract into {folder}: {exc}; nothing was checked; give another folder", file=sys.stderr)
        return None
    return f"Written into {folder}: {', '.join(names) or 'nothing, the file has no pictures and no certificates'}."


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser(
        prog="hazgate-verify",
        description="Check an evidence file, or checkpoints, offline: what they prove, and what they cannot.",
        epilog="Exit codes: 0 proved, 1 something does not hold, 2 no evidence file or misuse, 3 the checkpoint given "
        "does not show this weighing.",
    )
    made.add_argument("file", type=Path, help="An evidence file (hazgate-cloud evidence), or a checkpoint.")
    made.add_argument("more", type=Path, nargs="*", help="More checkpoints: whether each extends the one before.")
    made.add_argument("--collector-key", type=_key, metavar="HEX", help="The collector's public key, if you know it.")
    made.add_argument("--box-key", type=_box_key, metavar="HEX", help="The box's public key, if you know it.")
    made.add_argument("--root", type=_root, metavar="FILE", help="The devices' root certificate, if you have it.")
    made.add_argument(
        "--checkpoint",
        type=_checkpoint,
        metavar="FILE",
        help="A checkpoint that was kept elsewhere: does it name this weighing?",
    )
    made.add_argument(
        "--extract", type=Path, metavar="FOLDER", help="Write the label's pictures and the certificates into a folder."
    )
    return made


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise argparse.ArgumentTypeError(f"{KEY_BYTES} bytes in hex are wanted")
    return key


def _box_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if suite_of_key(key) is None:
        raise argparse.ArgumentTypeError("32 bytes in hex are wanted, or 65 for a box of sm3+sm2")
    return key


def _root(text: str) -> Certificate:
    try:
        return decode_certificate(_read(Path(text), CERTIFICATE_BYTES_MAX))
    except (OSError, CertificateError, NotABundleError) as exc:
        raise argparse.ArgumentTypeError(f"{text}: {exc}") from exc


def _checkpoint(text: str) -> bytes:
    try:
        return _read(Path(text), FILE_BYTES_MAX)
    except (OSError, NotABundleError) as exc:
        raise argparse.ArgumentTypeError(f"{text}: {exc}") from exc


def _read(path: Path, bytes_max: int) -> bytes:
    if path.stat().st_size > bytes_max:
        raise NotABundleError(f"larger than {bytes_max} bytes")
    return path.read_bytes()


def run() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()
