"""A label from its texts to the printer's bytes, through the box's own drawing process."""

from __future__ import annotations

import asyncio
import dataclasses
import time

from hazgate_edge.config import Printer
from hazgate_edge.printing.drawing import Drawing
from hazgate_protocols.label.document import LabelDocument, qr_payload

SIDE_MM = 100
COUNT = 120  # a round; its p99 leaves one label out
WARM_UP = 3  # the process starts, fonts are read
PROFILES = ("tspl-4in-203", "zpl-4in-203", "cpcl-4in-203")
UNIT_AND_WASTE, DAY = "91130606MA0TETT01H90021408", "20240315"
LABEL = LabelDocument(
    waste_name="表面处理废物（镀锌槽液、槽渣和废水处理污泥混合物）",
    category="HW17 表面处理废物 金属表面处理及热处理加工",
    waste_code="900-214-08",
    physical_form="半固态",
    main_components="氢氧化锌、氢氧化铁、水、少量表面活性剂及光亮剂残留",
    harmful_components="六价铬、锌、镍、氰化物（微量）、酸性废液",
    hazard_characteristics=("T", "C", "I", "R"),
    precautions="戴防护手套和护目镜；防止雨淋和渗漏；不得与酸类、氧化剂混放",
    digital_id=f"{UNIT_AND_WASTE}{DAY}001",
    unit_name="保定市示例机械制造有限公司",
    contact="张伟 13800000000",
    produced_on="2024-03-15",
    weight="12.50 kg",
    remarks="",
    qr_payload="",
)


async def bytes_latencies_ms(profile: str) -> list[float]:
    """How long each of COUNT different labels took, in ms, from the agent's request to the last byte of the job."""
    drawing = Drawing(Printer(kind="tcp", host="127.0.0.1", profile=profile), None)
    process: asyncio.subprocess.Process | None = None
    took_ms: list[float] = []
    try:
        for number in range(WARM_UP + COUNT):
            digital_id = f"{UNIT_AND_WASTE}{DAY}{number + 1:03d}"
            label = dataclasses.replace(
                LABEL,
                digital_id=digital_id,
                weight=f"{10 + number}.{number % 100:02d} kg",
                qr_payload=qr_payload("HTTPS://TRACE.EXAMPLE/T/", digital_id),
            )
            asked_at = time.perf_counter()
            await drawing.draw_job(label, side_mm=SIDE_MM, labels=1)
            took_ms.append((time.perf_counter() - asked_at) * 1000)
        process = drawing._process
    finally:
        drawing.close()
        if process is not None:
            await process.wait()
    return took_ms[WARM_UP:]
