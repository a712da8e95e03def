"""A small box made from protocols alone: a journal in memory and the pushes of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hazgate_protocols.codes.label_number import LabelNumber
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import GENESIS, NOTES, PRINT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.mass import Mass
from hazgate_protocols.uplink import Note, Push, encode_push

UNIT = "91310000MA1FL5G08P"
WASTE = "900-214-08"
DAY = date(2026, 3, 9)


def weighing_body(number: int, *, kg: str = "12.34", unit: str = UNIT, **changes: Any) -> dict[str, Any]:
    """A good weighing of label sequence `number`."""
    body = WeighingBody(
        label=str(LabelNumber.make(unit, WASTE, DAY, number)),
        unit_code=unit,
        unit_name="上海示例机械有限公司",
        waste_code=WASTE,
        waste_name="废矿物油",
        category="HW08",
        hazards=("T", "I"),
        produced_on=DAY.isoformat(),
        container="drum-50",
        volume_l=50,
        weight_mg=Mass.of(kg, "kg").mg,
        weight_text=kg,
        weight_unit="kg",
        mode="gross",
        tare_mg=None,
        stable_by="device",
        scale="scale-1",
        label_side_mm=100,
        labels=1,
    ).as_json()
    return {**body, **changes}


def label_of(number: int, unit: str = UNIT) -> str:
    """The label number weighing_body() gives."""
    return str(LabelNumber.make(unit, WASTE, DAY, number))


class Clock:
    """A time that moves only when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 9, 2, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        """Moves on."""
        self.at += timedelta(seconds=seconds)


@dataclass
class FakeBox:
    """A journal in memory. `start` names the boxes' rids apart."""

    name: str = "gate-01"
    signer: Signer = field(default_factory=lambda: Signer.from_secret(bytes(range(32))))
    bodies: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    rids: int = 0
    start: int = 0

    def begin(self) -> FakeBox:
        """Writes the first record."""
        key = self.signer.public().hex()
        self.write(GENESIS, {"suite": self.signer.suite.name, "public_key": key, "unit_code": UNIT, "sw": "test"})
        return self

    def copy(self, start: int) -> FakeBox:
        """The same disk in another machine."""
        return FakeBox(self.name, self.signer, list(self.bodies), list(self.hashes), 0, start)

    @property
    def head(self) -> bytes:
        """The newest record's hash."""
        return self.hashes[-1] if self.hashes else ROOT

    def rid(self) -> str:
        """The next record's id."""
        self.rids += 1
        return str(uuid.UUID(int=(0x7 << 76) | (0x8 << 60) | (self.start << 80) | self.rids))

    def record(self, kind: str, body: dict[str, Any], **changes: Any) -> Record:
        """The next record, not written."""
        at = datetime(2026, 3, 9, 1, 0, len(self.bodies) % 60, tzinfo=UTC)
        fields: dict[str, Any] = {
            "box": self.name,
            "seq": len(self.bodies) + 1,
            "rid": self.rid(),
            "kind": kind,
            "t": {
                "wall": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "mono_ns": 1,
                "boot": "b",
                "source": "ntp",
                "unc_ms": 5,
            },
            "who": {"operator": "王芳", "shift": "A"},
            "dev": {"profile": "yaohua-tf0", "profile_digest": "", "sw": "test", "config_digest": ""},
            "body": body,
        }
        return Record(**{**fields, **changes})

    def write(self, kind: str, body: dict[str, Any], **changes: Any) -> bytes:
        """Writes a record; its hash."""
        return self.write_bytes(self.record(kind, body, **changes).encode())

    def write_bytes(self, data: bytes) -> bytes:
        """Writes whatever bytes as the next record."""
        self.hashes.append(link(self.head, data, self.signer.suite))
        self.bodies.append(data)
        return self.hashes[-1]

    def weigh(self, number: int, **changes: Any) -> bytes:
        """A good weighing."""
        return self.write(WEIGHING, weighing_body(number, **changes))

    def weigh_and_print(self, number: int) -> bytes:
        """A good weighing and its printed label."""
        own = self.weigh(number)
        rid = Record.decode(self.bodies[-1]).rid
        body = {"rid": rid, "job": 1, "copy": 0, "state": "printed", "by": "printer", "detail": ""}
        self.write(PRINT, body)
        return own

    def keep_notes(self, notes: tuple[Note, ...], after: int) -> bytes:
        """The record of notes taken."""
        listed = [
            {"n": n.n, "hash": n.hash.hex(), "what": n.what, "at": n.at, "code": n.code, "text": n.text,
             "reference": n.reference}
            for n in notes
        ]  # fmt: skip
        return self.write(NOTES, {"after": after, "upto": notes[-1].n, "notes": listed, "receipt": {}})

    def push(self, start: int = 0, count: int | None = None, *, ask: str = "t1", notes_after: int = 0) -> bytes:
        """The records from index `start` as a push."""
        prev = self.hashes[start - 1] if start else ROOT
        upto = len(self.bodies) if count is None else start + count
        bodies = tuple(self.bodies[start:upto])
        head = self.hashes[upto - 1] if bodies else prev
        return encode_push(Push(ask, prev, bodies, self.signer.seal_chain(self.name, head), notes_after))
