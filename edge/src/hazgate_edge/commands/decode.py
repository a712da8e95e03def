"""`decode`: captured bytes or a transcript through a profile, one JSON object a line."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hazgate_profiles import transcripts
from hazgate_profiles.registry import ProfileError
from hazgate_protocols.scale.options import OptionError

READ_BYTES = 64 * 1024


def run_transcript(path: Path, *, options: list[str]) -> int:
    """One object a case; exit 1 if any case fails, with the reason on standard error.

    options: KEY=VALUE, instead of those that the file gives for all its cases.
    """
    try:
        results = transcripts.run_file(path, options=dict(map(_option, options)))
    except OSError as exc:
        print(f"decode: cannot read the transcript {path}: {exc.strerror or exc}", file=sys.stderr)
        return 1
    except (transcripts.TranscriptError, ProfileError, ValueError) as exc:
        print(exc, file=sys.stderr)
        return 1
    for name in sorted({name for result in results for name in result.ignored}):
        print(f"{path}: option {name} is left out: profile {results[0].profile} does not offer it", file=sys.stderr)
    for result in results:
        print(json.dumps(result.as_json(), ensure_ascii=False))
        if not result.passed:
            print(f"{result.profile} {result.id}: {result.problem}", file=sys.stderr)
    failed = sum(not result.passed for result in results)
    print(f"{len(results)} cases, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


def run_stream(profile: str, *, hex_text: bool, options: list[str]) -> int:
    """Standard input through a profile. Rejections are lines too; exit 1 only for misuse."""
    try:
        events = transcripts.readings_of(
            profile, _hex_pieces() if hex_text else _raw_pieces(), options=dict(map(_option, options))
        )
        for event in events:
            print(json.dumps(event, ensure_ascii=False), flush=True)
    except (ProfileError, OptionError, ValueError) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


def _raw_pieces() -> Iterator[bytes]:
    # os.read: show readings as they come when the input is live, such as a serial port piped in
    while piece := os.read(sys.stdin.fileno(), READ_BYTES):
        yield piece


def _hex_pieces() -> Iterator[bytes]:
    for line in sys.stdin:
        text = re.sub(r"(?i)0x|[\s,:]", "", line.partition("#")[0])
        if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", text):
            raise ValueError(f"decode: not hex: {line.strip()[:60]!r}; pairs of hex digits are wanted")
        yield bytes.fromhex(text)


def _option(text: str) -> tuple[str, str | int | bool]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"--option {text}: KEY=VALUE is wanted")
    if value in ("true", "false"):
        return key, value == "true"
    return key, int(value) if re.fullmatch(r"\d+", value) else value
