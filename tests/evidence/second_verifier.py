"""A second verifier, written from docs/wire/evidence.md alone: SHA-256, Ed25519 and JSON, nothing of hazgate.

For boxes of sm3+sm2 it takes SM3 and SM2 from protocols/sm2_by_hand.py, which is plain arithmetic.
`problems(file)` is empty for a file that holds. Of profiles it reads the kind `fixed` with decimal digits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocols import sm2_by_hand

ORDER = re.compile(r"bundle record ((record|steps) )*seal (suite )?receipt notes flags (core )?(profile )?end")
KEYS = {
    "bundle": "v label record box made_at made_by",
    "record": "seq hash bytes",
    "steps": "seq hashes",
    "seal": "seq hash seal",
    "receipt": "have branches",
    "notes": "notes",
    "flags": "flags",
    "core": "submission state queued_at settled_at attempts",
    "profile": "profile transcripts",
    "end": "lines sha256 collector seal",
    "suite": "suite collector",
}
MG = {"mg": 1, "g": 1000, "kg": 10**6, "t": 10**9}


class ProblemError(Exception):
    """Something does not hold."""


def problems(file: bytes, collector: str = "", box: str = "") -> list[str]:
    """What does not hold, with the first thing found; the keys are those somebody vouches for."""
    try:
        verify(file, collector, box)
    except ProblemError as problem:
        return [str(problem)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as exc:
        return [f"something is not what it must be: {exc!r}"]
    return []


def want(holds: bool, text: str) -> None:
    if not holds:
        raise ProblemError(text)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def signed(key: str, text: bytes, seal: str) -> bool:
    if key + seal != (key + seal).lower():
        return False
    if len(key) == 130:
        return sm2_by_hand.holds(bytes.fromhex(key), text, bytes.fromhex(seal))
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(seal), text)
    except (InvalidSignature, ValueError):
        return False
    return True


SUITES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "sha256+ed25519": (sha, 64),
    "sm3+sm2": (sm2_by_hand.sm3, 130),
}


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def read(line: bytes) -> Any:
    """The value of a canonical line, None for any other line."""
    try:
        value = json.loads(line.decode())
        return value if canonical(value) == line else None
    except (ValueError, RecursionError):
        return None


def part_of(line: bytes) -> dict[str, Any] | None:
    value = read(line)
    if not isinstance(value, dict) or value.get("part") not in KEYS:
        return None
    return value if set(value) == {"part", *KEYS[value["part"]].split()} else None


def verify(file: bytes, collector: str, box: str) -> None:
    *lines, rest = file.split(b"\n")
    parts = [part_of(line) for line in lines]
    if rest or not parts or parts[-1] is None or parts[-1]["part"] != "end":
        bad = next((n for n, part in enumerate(parts, 1) if part is None or part["part"] == "end"), len(lines) + 1)
        raise ProblemError(f"line {bad}: damaged or cut")
    end = parts[-1]
    whole = sha(b"".join(line + b"\n" for line in lines[:-1]))
    digests = [sha(line + b"\n").hex() for line in lines[:-1]]
    if digests != end["lines"] or whole.hex() != end["sha256"]:
        wrong = [n for n, (a, b) in enumerate(zip(digests, end["lines"], strict=False), 1) if a != b]
        raise ProblemError(f"line {len(lines) if whole.hex() == end['sha256'] or not wrong else wrong[0]}: changed")
    want(
        signed(end["collector"], b"hazgate evidence seal v1\0" + whole, end["seal"]),
        f"line {len(lines)}: not the collector's seal",
    )
    want(collector in ("", end["collector"]), "another collector's key")
    found = [part for part in parts if part is not None]
    want(len(found) == len(parts), "a line is no part")
    want(ORDER.fullmatch(" ".join(part["part"] for part in found)) is not None, "order")
    named = {part["part"]: part for part in found}
    want(named["bundle"]["v"] == 1, "version")
    shown = chain(found, named, box)
    receipt(named)
    own = next((record for record in shown if record["hash"] == named["bundle"]["record"]), None)
    if own is None:
        raise ProblemError("the weighing is not shown")
    weighing(own, named, shown)
    replay(own["record"], named)
    core(own, named)


def chain(found: list[dict[str, Any]], named: dict[str, Any], pinned: str) -> list[dict[str, Any]]:
    box = named["bundle"]["box"]
    at, place, shown = bytes(32), 0, []
    suite = read(found[1]["bytes"].encode())["body"]["suite"]
    h, key_length = SUITES[suite]
    for part in found:
        if part["part"] not in ("record", "steps"):
            continue
        want(part["seq"] == place + 1, "a gap in the chain")
        if part["part"] == "steps":
            for step in part["hashes"]:
                at, place = h(at + bytes.fromhex(step)), place + 1
            continue
        body = part["bytes"].encode()
        at, place = h(at + h(body)), place + 1
        record = read(body)
        want(isinstance(record, dict), f"record {place} is not canonical")
        want(at.hex() == part["hash"], f"record {place} does not give its hash")
        want((record["box"], record["seq"]) == (box, place), f"record {place} is out of place")
        shown.append({"hash": part["hash"], "record": record})
    seal, first = named["seal"], shown[0]["record"]
    want((at.hex(), place) == (seal["hash"], seal["seq"]), "the chain does not lead to the sealed hash")
    want(first["seq"] == 1 and first["kind"] == "genesis", "no genesis")
    key = first["body"]["public_key"]
    want(len(key) == key_length, "the key is none of the suite")
    second = named.get("suite")
    want((second is None) == (suite == "sha256+ed25519"), "the receipt's key is named where the suite wants it")
    want(second is None or (second["suite"], len(second["collector"])) == (suite, key_length), "the receipt's key")
    want(signed(key, b"hazgate chain seal v1\0" + box.encode() + b"\0" + at, seal["seal"]), "not the box's seal")
    want(pinned in ("", key), "another box's key")
    return shown


def receipt(named: dict[str, Any]) -> None:
    have = read(named["receipt"]["have"].encode())
    want(isinstance(have, dict), "no receipt")
    message = canonical({key: have.get(key) for key in ("v", "token", "hash", "seq", "stored_at", "notes")})
    want(have["notes"] == [], "a receipt with notes")
    key = named.get("suite", named["end"])["collector"]
    want(signed(key, b"hazgate receipt seal v1\0" + message, have["seal"]), "receipt's seal")
    want((have["hash"], have["seq"]) == (named["seal"]["hash"], named["seal"]["seq"]), "receipt for something else")


def weighing(own: dict[str, Any], named: dict[str, Any], shown: list[dict[str, Any]]) -> None:
    record, body = own["record"], own["record"]["body"]
    label = named["bundle"]["label"]
    want(record["kind"] == "weighing" and body["label"] == label, "another label")
    day = body["produced_on"].replace("-", "")
    stem = body["unit"]["code"] + body["waste"]["code"].replace("-", "") + day
    want(label[:34] == stem and len(label) == 37, "the label number means something else")
    weight = body["weight"]
    want(Decimal(weight["text"]) * MG[weight["unit"]] == weight["mg"], "text is not mg")
    for other in shown:
        inner = other["record"]
        about = {
            "genesis": True,
            "weighing": inner["body"].get("label") == label,
            "print": inner["body"].get("rid") == record["rid"],
            "reprint": inner["body"].get("rid") == record["rid"],
            "notes": any(note["hash"] == own["hash"] for note in inner["body"].get("notes", [])),
        }
        want(about.get(inner["kind"], False), f"record {inner['seq']} is about something else")


def replay(record: dict[str, Any], named: dict[str, Any]) -> None:
    if "profile" not in named:
        return
    text = named["profile"]["profile"]
    want(sha(text.encode()).hex() == record["dev"]["profile_digest"], "another profile")
    profile = json.loads(text)
    want(profile["id"] == record["dev"]["profile"], "another profile")
    options = {**profile["options"], **record["dev"].get("options", {})}
    weight = record["body"]["weight"]
    number = unit = ""
    for raw in record["raw"]:
        number, unit = fixed(bytes.fromhex(raw), profile["frame"], options)
    if record["raw"]:
        want((number, unit) == (weight["text"], weight["unit"]), "the raw bytes give another weight")


def lookup(rule: Any, frame: bytes) -> Any:
    if not isinstance(rule, dict):
        return rule
    mask = int(rule["mask"], 16)
    key = (frame[rule["at"]] & mask) // (mask & -mask)
    want(str(key) in rule["map"], "no entry")
    return lookup(rule["map"][str(key)], frame)


def fixed(frame: bytes, shape: dict[str, Any], options: dict[str, Any]) -> tuple[str, str]:
    """Digits and unit of a frame of a kind this verifier knows."""
    want(shape["kind"] == "fixed", "this verifier reads fixed frames only")
    want(len(frame) == shape["length"] and frame.startswith(bytes.fromhex(shape["start"])), "frame")
    want(all(frame[end["offset"]] == int(end["byte"], 16) for end in shape["end_at"]), "frame's end")
    check = shape["check"]
    if check is not None:
        want(check["algo"] == "xor-hex", "this verifier knows xor-hex only")
        total = 0
        for byte in frame[check["over"][0] : check["over"][1]]:
            total ^= byte
        want(frame[check["at"] : check["at"] + 2] == b"%02X" % total, "checksum")
    variant = shape["variants"][0]
    want(variant["when"] == [] and variant["status"] == "ok", "this verifier knows one variant only")
    number = variant["fields"]["weight"]
    digits = frame[number["span"][0] : number["span"][1]]
    want(number["form"] == "ascii-int" and digits.isdigit(), "digits")
    value = -int(digits) if lookup(number["sign"], frame) == "-" else int(digits)
    unit = variant["fields"]["unit"]
    return f"{Decimal(value).scaleb(-lookup(number['decimals'], frame)):f}", options[
        "default_unit"
    ] if unit == "option" else unit


def core(own: dict[str, Any], named: dict[str, Any]) -> None:
    notes = named["notes"]["notes"]
    want(all(note["hash"] == own["hash"] for note in notes), "a note about another record")
    if "core" not in named:
        return
    sent, record = named["core"], own["record"]
    body = record["body"]
    tonnes = (Decimal(body["weight"]["mg"]) / 10**9).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    wanted = {
        "rid": record["rid"],
        "digital_id": body["label"],
        "unit_code": body["unit"]["code"],
        "unit_name": body["unit"]["name"],
        "waste_code": body["waste"]["code"],
        "waste_name": body["waste"]["name"],
        "category_code": body["waste"]["category"],
        "hazard_characteristics": body["waste"].get("hazards_raw") or ",".join(body["waste"]["hazards"]),
        "produced_on": body["produced_on"],
        "quantity_t": f"{tonnes:f}",
        "weighed_at": record["t"]["wall"],
        "box": record["box"],
        "record_hash": own["hash"],
    }
    want(json.loads(sent["submission"]) == wanted, "the submission says something else")
    meaning = ""
    for attempt in sent["attempts"]:
        outcome = attempt["outcome"]
        if len(attempt["reply"]) < 2 * 2048:
            want(outcome == means(attempt["status"], bytes.fromhex(attempt["reply"])), "an answer means something else")
        meaning = outcome if outcome != "unknown" else meaning
    settled = sent["state"] in ("accepted", "duplicate", "refused")
    want(meaning == (sent["state"] if settled else ""), "the state is not what the answers mean")
    want(not settled or any(note["what"] == sent["state"] for note in notes), "the box was not told")


def means(status: int | None, reply: bytes) -> str:
    try:
        value = json.loads(reply) if status == 200 else None
    except ValueError:
        return "unknown"
    outcome = value.get("outcome") if isinstance(value, dict) else None
    return outcome if outcome in ("accepted", "duplicate", "refused") else "unknown"
