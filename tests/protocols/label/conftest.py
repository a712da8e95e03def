"""A short and a long label document, and the font the box installs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hazgate_protocols.label.document import LabelDocument, qr_payload
from hazgate_protocols.label.fonts import find_font

DIGITAL_ID = "91130606MA0TETT01H9002140820240315001"


@pytest.fixture(scope="session")
def font_path() -> Path:
    return find_font()


@pytest.fixture
def document() -> LabelDocument:
    return LabelDocument(
        waste_name="废机油",
        category="HW08 废矿物油与含矿物油废物",
        waste_code="900-214-08",
        physical_form="液态",
        main_components="废润滑油、少量水",
        harmful_components="石油烃、重金属（铅、锌）",
        hazard_characteristics=("T", "I"),
        precautions="远离火源，防止泄漏；不得与氧化剂混放",
        digital_id=DIGITAL_ID,
        unit_name="保定市示例机械制造有限公司",
        contact="张伟 13800000000",
        produced_on="2024-03-15",
        weight="12.50 kg",
        remarks="一号线",
        qr_payload=qr_payload("HTTPS://TRACE.EXAMPLE/T/", DIGITAL_ID),
    )


@pytest.fixture
def long_document(document: LabelDocument) -> LabelDocument:
    """Every field long, all four hazards, a reprint."""
    return replace(
        document,
        waste_name="表面处理废物（镀锌槽液、槽渣和废水处理污泥混合物）",
        category="HW17 表面处理废物 金属表面处理及热处理加工",
        waste_code="336-064-17",
        physical_form="半固态",
        main_components="氢氧化锌、氢氧化铁、水、少量表面活性剂及光亮剂残留",
        harmful_components="六价铬、锌、镍、氰化物（微量）、酸性废液",
        hazard_characteristics=("T", "C", "I", "R"),
        precautions="戴防护手套和护目镜；防止雨淋和渗漏；不得与酸类、氧化剂混放；泄漏时用石灰中和后收集，联系安全员",
        unit_name="河北省保定市高新技术产业开发区示例精密机械制造股份有限公司第二分公司",
        contact="欧阳文静 13800000000 / 0312-5555555",
        weight="1234.56 kg",
        remarks="二期车间 3 号线，第 2 班",
        copy=2,
    )
