"""`decide`: an installer says that this box is the right one, and it weighs on. The running box writes the record.

A box whose journal was copied or put back cannot know which numbers were given since: the installer says it, and either
word goes on record.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hazgate_edge.config import Config, ConfigError, load
from hazgate_edge.watch import LABELS_MAX, Decision, leave_decision
from hazgate_protocols.codes.label_number import LabelNumber

_NEITHER = """\
decide: say which label numbers were given since this box's data was copied; it cannot know, and would give them again.
  Look at the bags and their labels, also those of another box that ran with this data:
  --last-label CODE        the highest label number of a waste and day since then, once for each waste of today
  --nothing-weighed-since  no label came out since then; where that is not certain, wait for the collector's answer
(说明备份之后最后打出的袋号，每种危废一个；本机不知道，会重复给号)"""


class _CannotDecideError(Exception):
    """What was said decides nothing, and why."""


def run(path: Path, who: str, reason: str, last_labels: Sequence[str], *, nothing_weighed: bool) -> int:
    """Exit 0 when the decision lies where the box takes it from. last_labels: as printed, or the QR code's text."""
    try:
        if not who.strip() or not reason.strip():
            raise _CannotDecideError("decide: name and reason go on record; neither may be empty")
        if bool(last_labels) == nothing_weighed:
            raise _CannotDecideError(_NEITHER)
        config = load(path)
        labels = _labels(config, last_labels)
        leave_decision(config.data_folder, Decision(who, reason, labels))
    except (ConfigError, OSError) as exc:
        print(f"decide: {exc}", file=sys.stderr)
        return 1
    except _CannotDecideError as exc:
        print(exc, file=sys.stderr)
        return 1
    print("left for the box: it takes it within a second, or at its next start, and writes it into its journal")
    for label in labels:
        print(f"numbers go on above {label}")
    if labels:
        print("a waste or day that is not among these goes on as if no number of it was given since")
    if nothing_weighed:
        print("no number is left out: any that was given since the data was copied is given again")
    print("if the other machine still runs, its records show again and weighing stops again: switch it off first")
    return 0


def _labels(config: Config, texts: Sequence[str]) -> tuple[str, ...]:
    """Raises _CannotDecideError for what is no label number of this box's unit."""
    if len(texts) > LABELS_MAX:
        raise _CannotDecideError(f"decide: {len(texts)} labels, at most {LABELS_MAX}; one a waste and day is enough")
    found = []
    for text in texts:
        number = LabelNumber.find("".join(text.split()))  # as labels and pages print it, in groups
        if number is None:
            raise _CannotDecideError(f"decide: --last-label {text[:80]!r}: the 37 characters of a label are wanted")
        if number.unit != config.unit.code:
            raise _CannotDecideError(f"decide: --last-label {number} is of unit {number.unit}, not {config.unit.code}")
        found.append(str(number))
    return tuple(found)
