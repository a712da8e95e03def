"""A weighing place whose bags have evidence: a small box, the real collector, forwarder and store, a core that accepts.

Everything is fixed (keys, ids, times), so that the same steps make the same bytes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection

from cloud.fakebox import UNIT, Clock, FakeBox, label_of, weighing_body
from hazgate_cloud.collector.collector import Collector
from hazgate_cloud.domain.box import RegisteredBox
from hazgate_cloud.evidence.gather import Evidence, evidence_of
from hazgate_cloud.forwarder.core_client import Reply
from hazgate_cloud.forwarder.forwarder import Forwarder
from hazgate_cloud.store import checkpoints
from hazgate_cloud.store.boxes import add_box
from hazgate_cloud.store.certificates import Authority, issue_missing
from hazgate_cloud.store.engine import Database
from hazgate_cloud.store.migrate import upgrade
from hazgate_edge.printing.draw import answer
from hazgate_profiles import printers, registry
from hazgate_protocols.journal.bodies import WeighingBody
from hazgate_protocols.journal.checkpoint import Checkpoint
from hazgate_protocols.journal.record import REPRINT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer
from hazgate_protocols.journal.suite import DEFAULT, SM3_SM2, Suite
from hazgate_protocols.label.weighing import PrintedPicture, label_of_weighing, texts_of
from hazgate_protocols.uplink import Have, decode_answer

COLLECTOR_KEY = Signer.from_secret(b"c" * 32)
COLLECTOR_KEYS = {DEFAULT.name: COLLECTOR_KEY, SM3_SM2.name: Signer.from_secret(b"s" * 32, SM3_SM2)}
AUTHORITY_KEY = Signer.from_secret(b"a" * 32)
AUTHORITY = Authority(AUTHORITY_KEY, COLLECTOR_KEY.public())
PROFILE = "yaohua-tf0"
# What the label says beyond its weighing record.
TEXTS = {
    "category": "HW08 废矿物油与含矿物油废物",
    "physical_form": "液态",
    "main_components": "废润滑油",
    "harmful_components": "石油类",
    "precautions": "防火防渗",
    "contact": "李工 000-00000000",
    "remarks": "",
}


def frame(kg: str) -> str:
    """A Yaohua tF=0 frame of a weight with two places, by code of its own."""
    body = b"+" + f"{int(kg.replace('.', '')):06d}".encode() + b"2"
    check = 0
    for byte in body:
        check ^= byte
    return (b"\2" + body + f"{check:02X}".encode() + b"\3").hex()


def dev() -> dict[str, Any]:
    """What the records say of the device."""
    return {
        "profile": PROFILE,
        "profile_digest": registry.digest(registry.load(PROFILE)),
        "sw": "test",
        "config_digest": "cd" * 32,
        "options": {"default_unit": "kg"},
    }


def printed(body: dict[str, Any], rid: str, copy: int) -> dict[str, Any]:
    """What a box writes of a printed label: drawn by its own drawing process, the bytes as its printer gets them."""
    weighing = WeighingBody.from_json(body)
    document = label_of_weighing(weighing, TEXTS | {"qr_payload": f"https://h.example/t/{weighing.label}"}, copy)
    request = {
        "document": dataclasses.asdict(document), "form": "job", "side_mm": weighing.label_side_mm,
        "profile": json.loads(json.dumps(dataclasses.asdict(printers.load("tspl-4in-203")))), "gap_mm": 2, "turn": 0,
        "labels": weighing.labels, "font": "",
    }  # fmt: skip
    head, _, _ = answer(request).partition(b"\n")
    picture = PrintedPicture(**json.loads(head), labels=weighing.labels, texts=texts_of(document))
    return {
        "rid": rid, "copy": copy, "state": "printed", "by": "printer", "detail": "", "picture": picture.as_json(),
    }  # fmt: skip


class Writing:
    """The collector's writer thread, without a thread."""

    async def run(self, call: Callable[[], Any]) -> Any:
        return call()


@dataclass
class Core:
    """Stands where the HTTP client stands. answers: what it says, in order; then it accepts."""

    answers: list[Reply] = field(default_factory=list)

    async def post(self, rid: str, submission: bytes) -> Reply:  # noqa: ARG002 - the shape of CoreClient
        if self.answers:
            return self.answers.pop(0)
        sent = json.loads(submission)
        reply = {"outcome": "accepted", "reference": f"C-{sent['digital_id'][-3:]}", "code": "", "text": "已接收"}
        return Reply(200, json.dumps(reply, ensure_ascii=False).encode(), "", reached=True, took_ms=12)

    async def get(self, rid: str) -> Reply:  # noqa: ARG002 - the shape of CoreClient
        return Reply(404, b"{}", "", reached=True, took_ms=3)


class Place:
    """One box and one collector with a store in a folder."""

    def __init__(self, folder: Path, suite: Suite = DEFAULT) -> None:
        self.clock = Clock()
        self.core = Core()
        self.box = FakeBox(signer=Signer.from_secret(bytes(range(32)), suite)).begin()
        self.database = Database.open(f"sqlite:///{folder / 'collector.db'}")
        upgrade(self.database)
        known = RegisteredBox(self.box.name, self.box.signer.public(), UNIT, "东门称重点")
        self.database.written(lambda tx: add_box(tx, known, "2026-03-01T00:00:00.000Z"))
        self.database.written(lambda tx: issue_missing(tx, AUTHORITY, self.clock()))
        self.collector = Collector(
            self.database, COLLECTOR_KEY, self.clock, signer_of=lambda wanted: COLLECTOR_KEYS[wanted.name]
        )
        writing: Any = Writing()
        core: Any = self.core
        self.forwarder = Forwarder(self.database, writing, core, self.clock, Random(1))
        self.sent = 0
        self.notes_after = 0

    def weigh(self, number: int, kg: str = "12.34", **changes: Any) -> bytes:
        """A bag whose raw frames say the weight, and its printed label."""
        body = weighing_body(number, kg=kg)
        body["weight"] |= {"mode": "", "stable_by": "window"}
        given = {"dev": dev(), "raw": (frame(kg),) * 3, **changes}
        own = self.box.write(WEIGHING, body, **given)
        rid = Record.decode(self.box.bodies[-1]).rid
        self.box.write("print", printed(body, rid, 0))
        return own

    def reprint(self) -> None:
        """A copy of the bag weighed last."""
        own = next(r for r in map(Record.decode, reversed(self.box.bodies)) if r.kind == WEIGHING)
        self.box.write(REPRINT, {"rid": own.rid, "copy": 1, "reason": "污损"})
        self.box.write("print", printed(own.body, own.rid, 1))

    def neighbour(self) -> None:
        """Another box of this collector, with a record of its own."""
        box = FakeBox("gate-02", Signer.from_secret(b"n" * 32), start=7).begin()
        known = RegisteredBox(box.name, box.signer.public(), UNIT, "西门称重点")
        self.database.written(lambda tx: add_box(tx, known, "2026-03-02T00:00:00.000Z"))
        self.collector.handle(box.name, box.push())

    def push(self) -> Have:
        """What is new on the box, to the collector."""
        answer = self.collector.handle(self.box.name, self.box.push(self.sent, notes_after=self.notes_after))
        assert answer is not None
        self.sent = len(self.box.bodies)
        have = decode_answer(answer.payload)
        assert isinstance(have, Have)
        return have

    async def settle(self) -> None:
        """Push, forward until the core has answered for all, bring the answers home, push again."""
        self.push()
        while await self.forwarder.step():
            self.clock.pass_s(400)
        have = self.push()
        if have.notes:
            self.box.keep_notes(have.notes, self.notes_after)
            self.notes_after = have.notes[-1].n
            self.push()

    def checkpoint(self) -> Checkpoint:
        """The day's checkpoint of everything that is held."""

        def make(tx: Connection) -> Checkpoint:
            made = checkpoints.draft(tx, COLLECTOR_KEY, self.clock())
            assert checkpoints.store(tx, made) is not None
            return made

        return self.database.written(make)

    def evidence(self, number: int) -> bytes:
        """The file about a bag."""
        return self.gathered(number).data

    def gathered(self, number: int, record: bytes = b"", checkpoint_n: int | None = None) -> Evidence:
        """The file about a bag, or about the weighing with this hash, with the gatherer's remarks."""
        with self.database.read() as tx:
            return evidence_of(
                tx,
                record.hex() or label_of(number),
                signer=COLLECTOR_KEY,
                now=self.clock(),
                made_by="hazgate-cloud test",
                profiles=registry.packaged(),
                signer_of=lambda wanted: COLLECTOR_KEYS[wanted.name],
                checkpoint_n=checkpoint_n,
            )

    def close(self) -> None:
        """Lets go of the store."""
        self.database.close()


def five_bags(place: Place) -> Checkpoint:
    """Five bags, the second with a copy, all settled; then more records, another box, and the day's checkpoint."""
    for number in (1, 2, 3, 4, 5):
        place.weigh(number, f"{number}2.34")
        if number == 2:
            place.reprint()
    asyncio.run(place.settle())
    place.neighbour()
    place.box.write("login", {})
    place.box.write("login", {})
    place.push()
    return place.checkpoint()
