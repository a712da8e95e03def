"""What the shown records say of the bag, and whether the rest of the file says the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from hazgate_protocols.codes.label_number import LabelNumber, LabelNumberError
from hazgate_protocols.core_api import Outcome, decode_answer
from hazgate_protocols.evidence import claims, pictures
from hazgate_protocols.evidence.bundle import CLAIMS, CORE, FLAGS, NOTES, PROFILE, Bundle, Part
from hazgate_protocols.evidence.replay import read_frames, require_same_weight
from hazgate_protocols.evidence.report import Report
from hazgate_protocols.journal import record as kinds
from hazgate_protocols.journal.bodies import STABLE_BY_WINDOW, BodyError, WeighingBody
from hazgate_protocols.journal.record import Record
from hazgate_protocols.scale.options import OptionError
from hazgate_protocols.scale.profile_json import ProfileBytesError, decode_profile, profile_digest
from hazgate_protocols.text import one_line
from hazgate_protocols.uplink.messages import NOTE_CODE_CHARS_MAX

REPLY_BYTES_KEPT = 2_048  # the collector keeps no more of a core's answer
_MG_PER_T = 10**9
_SETTLED = ("accepted", "duplicate", "refused")


@dataclass(frozen=True, slots=True)
class Shown:
    """A record whose bytes are in the file, with its identity and its parent's."""

    part: Part
    hash: bytes
    prev: bytes
    body_hash: bytes
    record: Record


def check(bundle: Bundle, shown: tuple[Shown, ...], report: Report) -> None:
    """Adds what holds and what does not. The records are known to stand in one chain."""
    head = bundle.parts[0]
    own = next((item for item in shown if item.hash.hex() == head["record"]), None)
    if own is None or own.record.kind != kinds.WEIGHING:
        report.failed(f"the weighing {head['record']} that the file is about is not among its records", head)
        return
    try:
        body = WeighingBody.from_json(own.record.body)
        number = LabelNumber.parse(body.label)
    except (BodyError, LabelNumberError) as exc:
        report.failed(f"it says nothing sensible: {exc}", own.part)
        return
    if body.label != head["label"]:
        report.failed(f"the file is about label {head['label']}, the record says {body.label}", own.part)
        return
    told = (number.unit, str(number.waste), number.produced_on.isoformat())
    if told != (body.unit_code, body.waste_code, body.produced_on):
        report.failed(f"the label number means {told}, the record says otherwise", own.part)
    report.proved(
        f"Record {own.record.seq} is the weighing of label {body.label}: {body.weight_text} {body.weight_unit} of "
        f"{body.waste_code} {body.waste_name}, for {body.unit_name}; clock of the box {own.record.t['wall']}, "
        f"operator as entered: {own.record.who.get('operator', '')!r}."
    )
    _check_replay(bundle, own, body, report)
    _check_related(own, body, shown, report, listed=bundle.one(CLAIMS) is not None)
    others = [item for item in shown if item is not own and item.record.kind == kinds.WEIGHING]
    claims.check(bundle, own.hash, [(item.hash, item.record) for item in others], report)
    about = [
        item for item in shown if item.record.kind == kinds.PRINT and item.record.body.get("rid") == own.record.rid
    ]
    pictures.check(bundle, [(item.hash, item.record) for item in about], report)
    _check_core(bundle, own, body, report)
    _check_notes(bundle, own, shown, report)


def _check_replay(bundle: Bundle, own: Shown, body: WeighingBody, report: Report) -> None:
    part, dev = bundle.one(PROFILE), own.record.dev
    if part is None:
        report.open(
            f"Whether the raw bytes give this weight: the collector had no profile with the digest "
            f"{dev.get('profile_digest')!r} that the record names ({dev.get('profile')!r})."
        )
        return
    try:
        profile = decode_profile(part["profile"].encode())
    except ProfileBytesError as exc:
        report.failed(str(exc), part)
        return
    if (profile.id, profile_digest(profile)) != (dev.get("profile"), dev.get("profile_digest")):
        report.failed(
            f"this is profile {profile.id} with digest {profile_digest(profile)}; the record was made with "
            f"{dev.get('profile')} {dev.get('profile_digest')}",
            part,
        )
        return
    report.proved(f"The profile {profile.id}, revision {profile.revision}, is byte for byte the one the record names.")
    if not own.record.raw:
        report.open("Whether the scale's bytes give this weight: the record carries none.")
        return
    options = dev.get("options", {})
    try:
        readings = read_frames(own.record.raw, profile, options if isinstance(options, dict) else {})
        require_same_weight(readings, body)
    except OptionError as exc:
        report.failed(f"its raw bytes cannot be read again: {exc}", own.part)
        return
    # A profile is only data, but a hostile box may name one that no registry would ever give out.
    except (ValueError, TypeError, ArithmeticError, LookupError) as exc:
        report.failed(f"its raw bytes do not give its weight: {exc}", own.part)
        return
    report.proved(
        f"The {len(readings)} raw frames in the record, decoded again by that profile, give exactly "
        f"{body.weight_text} {body.weight_unit} = {body.weight_mg} mg; none of them says motion or overload."
    )
    if body.stable_by == STABLE_BY_WINDOW:
        report.open(
            "Whether the weight was at rest: this indicator does not say so. The box judged it by the times between "
            "frames, which the record does not carry."
        )


def _check_related(own: Shown, body: WeighingBody, shown: tuple[Shown, ...], report: Report, *, listed: bool) -> None:
    """listed: the file names the other weighings of this label number in a line of their own."""
    said: list[str] = []
    for item in shown:
        record = item.record
        if item is own or record.kind == kinds.GENESIS:
            continue
        about = {
            kinds.PRINT: record.body.get("rid") == own.record.rid,
            kinds.REPRINT: record.body.get("rid") == own.record.rid,
            kinds.NOTES: any(note.get("hash") == own.hash.hex() for note in _notes_of(record)),
            kinds.WEIGHING: record.body.get("label") == body.label,
        }.get(record.kind, False)
        if not about:
            report.failed(f"record {record.seq} ({record.kind}) does not speak of this bag", item.part)
        elif record.kind == kinds.PRINT:
            state = record.body.get("state")
            by = " (so said the operator)" if record.body.get("by") == "operator" else ""
            said.append(f"record {record.seq}: {pictures.printed_as(record)} {state}{by}")
        elif record.kind == kinds.REPRINT:
            said.append(f"record {record.seq}: copy {record.body.get('copy')} asked for")
        elif record.kind == kinds.WEIGHING and not listed:
            report.open(f"Why record {record.seq} claims the same label number: the collector counted the other one.")
    if said:
        report.proved(f"The box wrote of its label: {'; '.join(said)}.")
    else:
        report.open("Whether its label was printed: no record shown says so.")


def _check_core(bundle: Bundle, own: Shown, body: WeighingBody, report: Report) -> None:
    part, flags = bundle.one(CORE), bundle.one(FLAGS)
    if flags is not None and flags["flags"]:
        told = "; ".join(f"{flag['code']}: {flag['text']}" for flag in flags["flags"])
        report.open(f"Why this weighing should count: the collector held it back from the core ({told}).")
        if part is None:
            report.caveat("The collector held this weighing itself back: it was not sent to the core.")
    if part is None:
        report.open("What the core says: the weighing was not sent to it.")
        return
    submission = _json(part["submission"])
    wanted = _submission(own, body)
    if submission != wanted:
        keys = sorted(key for key in wanted if not isinstance(submission, dict) or submission.get(key) != wanted[key])
        report.failed(f"the submission does not say what the record says: {', '.join(keys) or 'more than it'}", part)
        return
    report.proved(f"The submission to the core says what the record says ({wanted['quantity_t']} t).")
    last = None
    for number, attempt in enumerate(part["attempts"], 1):
        reply = bytes.fromhex(attempt["reply"])
        if attempt["status"] is None or len(reply) >= REPLY_BYTES_KEPT:
            outcome = Outcome.UNKNOWN if attempt["status"] is None else attempt["outcome"]
        else:
            outcome = decode_answer(attempt["status"], reply).outcome
        if outcome != attempt["outcome"]:
            report.failed(f"answer {number} means {outcome}, the file says {attempt['outcome']}", part)
            return
        last = outcome if outcome != Outcome.UNKNOWN else last
    state = part["state"]
    if (last or state) != state or (state in _SETTLED and last is None):
        report.failed(f"the file says {state}, the answers mean {last or 'nothing yet'}", part)
    elif state in ("accepted", "duplicate"):
        report.proved(f"The core's answer, as the collector kept it, means {state} ({part['settled_at']}).")
        report.open(
            f"That it was the core who answered: it signs nothing. Ask the core for the record's rid {own.record.rid}."
        )
    else:
        report.open(f"That the core accepted it: so far the outcome is {state}.")


def _check_notes(bundle: Bundle, own: Shown, shown: tuple[Shown, ...], report: Report) -> None:
    part, core = bundle.one(NOTES), bundle.one(CORE)
    listed: list[dict[str, Any]] = part["notes"] if part is not None else []
    for note in listed:
        if note["hash"] != own.hash.hex():
            report.failed(f"note {note['n']} is about another record", part)
    told = {note["what"] for note in listed}
    if core is not None and core["state"] in _SETTLED and core["state"] not in told:
        report.failed(f"the core said {core['state']}, and no note told the box so", part)
    words = [(note["n"], note["what"], one_line(note["reference"], NOTE_CODE_CHARS_MAX)) for note in listed]
    kept = False
    for item in shown:
        for note in _notes_of(item.record) if item.record.kind == kinds.NOTES else ():
            if note.get("hash") != own.hash.hex() or note.get("what") not in _SETTLED:
                continue
            if (note.get("n"), note["what"], note["reference"]) in words:
                kept = True
                report.proved(
                    f"The box took note {note['n']} ({note['what']}) and wrote it into its own chain as record "
                    f"{item.record.seq}."
                )
    if core is not None and core["state"] in _SETTLED and not kept:
        report.open("Whether the box heard the core's answer: no record shown says so.")


def _submission(own: Shown, body: WeighingBody) -> dict[str, str]:
    # HJ 1259-2022, 4: tonnes; six places, GB/T 8170 rounds a half to the even digit.
    tonnes = (Decimal(body.weight_mg) / _MG_PER_T).quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    return {
        "rid": own.record.rid,
        "digital_id": body.label,
        "unit_code": body.unit_code,
        "unit_name": body.unit_name,
        "waste_code": body.waste_code,
        "waste_name": body.waste_name,
        "category_code": body.category,
        "hazard_characteristics": body.hazards_raw or ",".join(body.hazards),
        "produced_on": body.produced_on,
        "quantity_t": f"{tonnes:f}",
        "weighed_at": str(own.record.t["wall"]),
        "box": own.record.box,
        "record_hash": own.hash.hex(),
    }


def _notes_of(record: Record) -> list[dict[str, Any]]:
    listed = record.body.get("notes")
    notes = [note for note in listed if isinstance(note, dict)] if isinstance(listed, list) else []
    return [note for note in notes if all(isinstance(note.get(key), str) for key in ("hash", "what", "reference"))]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
