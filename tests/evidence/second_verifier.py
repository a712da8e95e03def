"""A second verifier, written from docs/wire/evidence.md alone: SHA-256, Ed25519, inflate and JSON, nothing of hazgate.

For boxes of sm3+sm2 it takes SM3 and SM2 from protocols/sm2_by_hand.py, which is plain arithmetic.
`problems(file)` is empty for a file that holds. Of profiles it reads the kind `fixed` with decimal digits.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocols import sm2_by_hand

ORDERS = {
    1: re.compile(r"bundle record ((record|steps) )*seal receipt notes flags (core )?(profile )?end"),
    2: re.compile(
        r"bundle record ((record|steps) )*seal (suite )?receipt notes flags (core )?(profile )?"
        r"(picture )*"
        r"(checkpoint )?(certificates )?end"
    ),
    3: re.compile(
        r"bundle record ((record|steps) )*seal (suite )?receipt notes flags (core )?(profile )?"
        r"(picture )*"
        r"(checkpoint )?(certificates )?claims end"
    ),
}
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
    "picture": "print png is drawn_by",
    "checkpoint": "statement seal seq hash steps index path",
    "certificates": "box collector root",
    "claims": "count claims",
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
    named = {part["part"]: part for part in found}
    order = ORDERS[named["bundle"]["v"]]
    want(order.fullmatch(" ".join(part["part"] for part in found)) is not None, "order")
    shown, places = chain(found, named, box)
    receipt(named)
    own = next((record for record in shown if record["hash"] == named["bundle"]["record"]), None)
    if own is None:
        raise ProblemError("the weighing is not shown")
    weighing(own, named, shown)
    replay(own["record"], named)
    core(own, named)
    for part in found:
        if part["part"] == "picture":
            picture(part, own["record"]["rid"], shown)
    checkpoint(own["record"]["seq"], places, named)
    certificates(shown[0]["record"]["body"]["public_key"], named)
    claims(own, named, shown)


def chain(found: list[dict[str, Any]], named: dict[str, Any], pinned: str) -> tuple[list[dict[str, Any]], list[bytes]]:
    box = named["bundle"]["box"]
    at, place, shown, places = bytes(32), 0, [], [bytes(32)]
    suite = read(found[1]["bytes"].encode())["body"]["suite"]
    h, key_length = SUITES[suite]
    for part in found:
        if part["part"] not in ("record", "steps"):
            continue
        want(part["seq"] == place + 1, "a gap in the chain")
        if part["part"] == "steps":
            for step in part["hashes"]:
                at, place = h(at + bytes.fromhex(step)), place + 1
                places.append(at)
            continue
        body = part["bytes"].encode()
        at, place = h(at + h(body)), place + 1
        places.append(at)
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
    return shown, places


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


def picture(part: dict[str, Any], rid: str, shown: list[dict[str, Any]]) -> None:
    record = {record["hash"]: record["record"] for record in shown}[part["print"]]
    want(record["kind"] == "print" and record["body"]["rid"] == rid, "a picture of another record")
    dots = png(bytes.fromhex(part["png"]))
    want(part["png"] == part["png"].lower(), "capitals")
    same = sha(b"hazgate label picture v1\0" + dots).hex() == record["body"]["picture"]["sha256"]
    want(part["is"] == ("sent" if same else "redrawn"), "the picture is not what the file says it is")


def png(data: bytes) -> bytes:
    """Width, height and rows of a PNG of the one form that is allowed."""
    want(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG")
    at, chunks = 8, []
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        want(zlib.crc32(data[at + 4 : end]).to_bytes(4, "big") == data[end : end + 4], "PNG checksum")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : end]))
        at = end + 4
    want([name for name, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"] and chunks[2][1] == b"", "PNG chunks")
    head = chunks[0][1]
    want(len(head) == 13 and head[8:] == bytes((1, 0, 0, 0, 0)), "PNG form")
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    want(0 < width <= 4096 and 0 < height <= 4096, "PNG size")
    row = (width + 7) // 8
    unpack = zlib.decompressobj()
    try:
        lines = unpack.decompress(chunks[1][1], (row + 1) * height + 1)
    except zlib.error:
        raise ProblemError("PNG dots") from None
    want(unpack.eof and not unpack.unused_data and len(lines) == (row + 1) * height, "PNG dots")
    rows = [lines[at : at + row + 1] for at in range(0, len(lines), row + 1)]
    spare = 2 ** (row * 8 - width) - 1
    want(all(line[0] == 0 and line[-1] & spare == spare for line in rows), "PNG rows")
    return head[:8] + b"".join(line[1:] for line in rows)


def checkpoint(own: int, places: list[bytes], named: dict[str, Any]) -> None:
    part = named.get("checkpoint")
    if part is None:
        return
    text = part["statement"].encode()
    said = read(text)
    want(isinstance(said, dict) and said["v"] == 1, "no statement")
    want(said["collector"] == named["end"]["collector"], "another collector's checkpoint")
    want(signed(said["collector"], b"hazgate checkpoint seal v1\0" + text, part["seal"]), "the checkpoint's seal")
    if part["seq"] > len(places) - 1:
        want(len(part["steps"]) == part["seq"] - (len(places) - 1), "steps to the checkpoint")
    else:
        want(part["steps"] == [], "steps to the checkpoint")
    h = sha if "suite" not in named else SUITES[named["suite"]["suite"]][0]
    for step in part["steps"]:
        places = [*places, h(places[-1] + bytes.fromhex(step))]
    want(part["seq"] >= own and places[part["seq"]].hex() == part["hash"], "the checkpoint names another record")
    leaf = canonical({"box": named["bundle"]["box"], "seq": part["seq"], "hash": part["hash"]})
    found, index, size, left = sha(b"\0" + leaf), part["index"], said["heads"], list(part["path"])
    want(0 <= index < size, "no leaf of this tree")
    while size > 1:
        if index ^ 1 < size:
            other = bytes.fromhex(left.pop(0))
            found = sha(b"\1" + (other + found if index % 2 else found + other))
        index, size = index // 2, (size + 1) // 2
    want(not left and found.hex() == said["root"], "the checkpoint does not name the record")


def certificates(box_key: str, named: dict[str, Any]) -> None:
    part, head = named.get("certificates"), named["bundle"]
    if part is None:
        return
    root, box, collector = (X509(bytes.fromhex(part[name])) for name in ("root", "box", "collector"))
    want(root.unit == "root" and root.authority, "the root is no authority")
    want(all(item.issuer == root.subject and item.signed_by(root.key) for item in (root, box, collector)), "signature")
    want(not box.authority and not collector.authority, "an authority too many")
    want(
        (box.organization, box.unit, box.name) == (head["label"][:18], "box", head["box"]), "another box's certificate"
    )
    want(box.key.hex() == box_key, "the box's certificate is for another key")
    want(collector.unit == "collector" and collector.key.hex() == named["end"]["collector"], "another collector's")
    received, made = read(named["receipt"]["have"].encode())["stored_at"], head["made_at"]
    want(all(item.start <= moment(received) <= item.end for item in (box, root)), "validity of the box's certificate")
    want(all(item.start <= moment(made) <= item.end for item in (collector, root)), "validity of the collector's")


def claims(own: dict[str, Any], named: dict[str, Any], shown: list[dict[str, Any]]) -> None:
    part = named.get("claims")
    if part is None:
        return
    listed = {claim["hash"]: claim for claim in part["claims"]}
    keys = {"hash", "box", "seq", "weight", "weighed_at", "stored_at", "state", "core", "why"}
    want(all(set(claim) == keys for claim in listed.values()), "a claim's keys")
    want(len(listed) == len(part["claims"]) <= part["count"], "more claims than are counted")
    want(own["hash"] not in listed, "the weighing beside itself")
    states = ("held", "rejected", "released", "counted")
    want(all(claim["state"] in states for claim in listed.values()), "a claim's state")
    for other in shown:
        record = other["record"]
        if record["kind"] != "weighing" or other is own:
            continue
        claim = listed.get(other["hash"])
        want(claim is not None or part["count"] > len(listed), "a weighing of this label that is not named")
        weight = record["body"]["weight"]
        told = (record["box"], record["seq"], f"{weight['text']} {weight['unit']}", record["t"]["wall"])
        want(
            claim is None or tuple(claim[key] for key in ("box", "seq", "weight", "weighed_at")) == told,
            "a claim is not what its record says",
        )


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    want(at.tzinfo is not None, "a time without a zone")
    return at


def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Tag, content and whole of each element in order."""
    found, at = [], 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        want(start + length <= len(data), "DER is cut")
        found.append((data[at], data[start : start + length], data[at : start + length]))
        at = start + length
    return found


class X509:
    """As much of a certificate as the page speaks of."""

    ED25519 = bytes.fromhex("300506032b6570")

    def __init__(self, data: bytes) -> None:
        (whole,) = der(data)
        (_, inner, self.signed_part), (_, _, algorithm), (_, signature, _) = der(whole[1])
        version, _, inner_algorithm, issuer, validity, subject, key_part, *rest = der(inner)
        want(version[1] == b"\2\1\2" and algorithm == inner_algorithm[2] == self.ED25519, "another kind of certificate")
        want(signature[0] == 0 and len(signature) == 65, "signature")
        self.signature, self.issuer, self.subject = signature[1:], issuer[2], subject[2]
        self.start, self.end = (self.time(text.decode()) for _, text, _ in der(validity[1]))
        key_algorithm, bits = der(key_part[1])
        want(key_algorithm[2] == self.ED25519, "key")
        self.key = bits[1][1:]
        names = {}
        for _, part, _ in der(subject[1]):
            ((_, pair, _),) = der(part)
            oid, value = der(pair)
            names[oid[1].hex()] = value[1].decode()
        self.name, self.organization, self.unit = (names.get(oid, "") for oid in ("550403", "55040a", "55040b"))
        self.authority = False
        (extensions,) = [content for tag, content, _ in rest if tag == 0xA3]
        for _, extension, _ in der(der(extensions)[0][1]):
            oid, *more = der(extension)
            critical = len(more) == 2
            want(not critical or oid[1].hex() in ("551d13", "551d0f"), "an unknown critical extension")
            if oid[1].hex() == "551d13":
                self.authority = b"\1\1\xff" in more[-1][1]

    @staticmethod
    def time(text: str) -> datetime:
        """UTCTime or GeneralizedTime."""
        text = text if len(text) == 15 else ("19" if text[:2] >= "50" else "20") + text
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)

    def signed_by(self, key: bytes) -> bool:
        return signed(key.hex(), self.signed_part, self.signature.hex())
