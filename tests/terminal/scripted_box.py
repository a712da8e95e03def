"""A box that does what the test says: the Box protocol without scale, disk or printer."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from hazgate_edge.domain.view import (
    Chip,
    Container,
    Light,
    Live,
    Phase,
    PrintState,
    Refused,
    Row,
    Say,
    Scanned,
    SyncState,
    Waste,
    Weighed,
)

UNIT = "91130600MA0EXAMPL4"
DAY = "20261123"

WASTES = (
    Waste("900-214-08", "废矿物油", "HW08", ("T", "I"), ("drum200", "drum50")),
    Waste("900-041-49", "含油废抹布、劳保用品", "HW49", ("T", "In"), ("bag50", "bag100")),
    Waste("900-039-49", "废活性炭", "HW49", ("T",), ("bag50",)),
    Waste("336-064-17", "表面处理污泥", "HW17", ("T", "C"), ("bag100", "tote")),
    Waste("900-300-34", "废酸", "HW34", ("C", "T"), ("drum50",)),
    Waste("900-252-12", "废油漆渣", "HW12", ("T", "I"), ("bag50", "drum200")),
    Waste("900-404-06", "废有机溶剂", "HW06", ("T", "I", "R"), ("drum200",)),
    Waste("900-249-08", "其他生产、销售、使用过程中产生的废矿物油", "HW08", ("T", "I"), ()),
)
CONTAINERS = (
    Container("bag50", "吨袋内袋", 50),
    Container("bag100", "编织袋", 100),
    Container("drum50", "塑料桶", 50),
    Container("drum200", "铁桶", 200),
    Container("tote", "吨桶", 1000),
)
CHIPS = (Chip("scale", Light.GOOD), Chip("printer", Light.GOOD), Chip("network", Light.GOOD))
START = Live(
    number=1,
    phase=Phase.SETTLED,
    weight="12.50",
    unit="kg",
    mode="gross",
    stable=True,
    age_ms=40,
    blocked=(),
    chips=CHIPS,
    pending=37,
    refused=1,
    confirmed_at="2026-11-23T02:42:10Z",
    records_version=1,
)


@dataclass(frozen=True)
class Press:
    """One call of weigh."""

    waste_code: str
    container: str
    operator: str
    request: str


@dataclass
class ScriptedBox:
    """Tests set `shown`, `refuse_with`, `records`; they read `presses`, `answers`, `prints`.

    ticking: every snapshot gets the next number; False is a box whose inside stands still.
    """

    box_id: str = "hz-0001"
    site_name: str = "一车间危废称重点"
    unit_name: str = "保定示范汽车零部件有限公司"
    operators: tuple[str, ...] = ("王建国", "李秀英", "张伟")
    trace_url: str = "https://cloud.invalid/t/"
    shown: Live = START
    ticking: bool = True
    offered: tuple[Waste, ...] = WASTES
    records: list[Row] = field(default_factory=list)
    refuse_with: Say | None = None
    fail_with: Exception | None = None
    print_state: PrintState = PrintState.PRINTED
    presses: list[Press] = field(default_factory=list)
    answers: list[tuple[str, bool, str]] = field(default_factory=list)
    prints: list[tuple[str, str, str]] = field(default_factory=list)
    scans: list[tuple[str, str]] = field(default_factory=list)
    booked: dict[str, Weighed] = field(default_factory=dict)

    def show(self, **changes: object) -> None:
        """Change the snapshot."""
        self.shown = dataclasses.replace(self.shown, **changes)  # type: ignore[arg-type]

    def put(self, row: Row) -> None:
        """Put a record on top of the list, or in place of the one with its rid."""
        self.records = [row, *[old for old in self.records if old.rid != row.rid]]
        self.show(records_version=self.shown.records_version + 1)

    def live(self) -> Live:
        if self.ticking:
            self.show(number=self.shown.number + 1)
        return self.shown

    def wastes(self) -> tuple[Waste, ...]:
        return self.offered

    def containers(self) -> tuple[Container, ...]:
        return CONTAINERS

    async def weigh(self, *, waste_code: str, container: str, operator: str, request: str) -> Weighed | Refused:
        self.presses.append(Press(waste_code, container, operator, request))
        if self.fail_with is not None:
            raise self.fail_with
        if request in self.booked:
            return self.booked[request]
        if self.refuse_with is not None:
            return Refused(self.refuse_with)
        number = len(self.booked) + 1
        waste = next(one for one in WASTES if one.code == waste_code)
        row = make_row(number, waste=waste, weight=f"{self.shown.weight} kg", print_state=self.print_state)
        self.put(row)
        self.show(phase=Phase.BOOKED)
        self.booked[request] = Weighed(row.rid, row.label, row.weight)
        return self.booked[request]

    async def rows(self, limit: int = 200) -> list[Row]:
        return self.records[:limit]

    async def row(self, rid: str) -> Row | None:
        return next((row for row in self.records if row.rid == rid), None)

    async def label_png(self, rid: str) -> bytes | None:
        row = await self.row(rid)
        if row is None:
            return None
        image = Image.new("RGB", (400, 400), (255, 150, 0))
        ImageDraw.Draw(image).text((20, 20), row.label, fill=(0, 0, 0))
        target = io.BytesIO()
        image.save(target, "PNG")
        return target.getvalue()

    async def answer_print(self, *, rid: str, printed: bool, operator: str) -> Refused | None:
        self.answers.append((rid, printed, operator))
        row = await self.row(rid)
        if row is None or row.print_state is not PrintState.UNKNOWN:
            return Refused(Say("REQ-07"))
        state = PrintState.PRINTED if printed else PrintState.FAILED
        self._change(dataclasses.replace(row, print_state=state, print_say=None))
        return None

    async def print_again(self, *, rid: str, reason: str, operator: str) -> Refused | None:
        self.prints.append((rid, reason, operator))
        row = await self.row(rid)
        assert row is not None
        copies = row.copies + (row.print_state is PrintState.PRINTED)
        self._change(dataclasses.replace(row, print_state=PrintState.PRINTED, copies=copies, print_say=None))
        return None

    async def scan(self, *, text: str, scanner: str) -> Scanned | None:
        self.scans.append((text, scanner))
        return None

    def _change(self, row: Row) -> None:
        self.records = [row if old.rid == row.rid else old for old in self.records]
        self.show(records_version=self.shown.records_version + 1)


def make_row(
    number: int,
    *,
    waste: Waste = WASTES[0],
    weight: str = "12.50 kg",
    weighed_at: str = "2026-11-23T02:40:05Z",
    print_state: PrintState = PrintState.PRINTED,
    print_say: Say | None = None,
    copies: int = 0,
    sync: SyncState = SyncState.KEPT,
    sync_at: str = "",
    sync_text: str = "",
) -> Row:
    """A record whose label number ends in `number`."""
    return Row(
        rid=f"0193-{number:04d}",
        label=f"{UNIT}{waste.code.replace('-', '')}{DAY}{number:03d}",
        waste_code=waste.code,
        waste_name=waste.name,
        weight=weight,
        weighed_at=weighed_at,
        print_state=print_state,
        print_say=print_say,
        copies=copies,
        sync=sync,
        sync_at=sync_at,
        sync_text=sync_text,
    )


def mixed_records() -> list[Row]:
    """One record of every kind a list can show, newest first."""
    return [
        make_row(9, print_state=PrintState.UNKNOWN, print_say=Say("PRN-03"), weighed_at="2026-11-23T02:41:10Z"),
        make_row(8, waste=WASTES[1], print_state=PrintState.FAILED, print_say=Say("PRN-01"), weight="3.25 kg"),
        make_row(7, waste=WASTES[3], print_state=PrintState.PRINTING, weight="1204.5 kg"),
        make_row(6, waste=WASTES[4], sync=SyncState.RECEIVED, sync_at="2026-11-23T02:38:00Z", weight="0.85 kg"),
        make_row(5, waste=WASTES[5], sync=SyncState.ACCEPTED, sync_at="2026-11-23T02:30:00Z", copies=2),
        make_row(4, waste=WASTES[7], sync=SyncState.REFUSED, sync_text="重量超出该危废的单袋上限 500 kg"),
        *[make_row(n, sync=SyncState.ACCEPTED, sync_at="2026-11-23T01:12:00Z") for n in (3, 2, 1)],
    ]
