"""What a label says, as text. HJ 1276-2022 fields; sizes by container volume.

Source: the field list and sizes of HJ 1276-2022 as gathered from public guidance (the standard's full text was not
at hand); `remarks` is recalled. Facts with that mark stand here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

# HJ 1276-2022: label side in mm and minimum character height in mm by container volume in litres.
# (volume up to and including, side, character height); above the last: 200 mm, 6 mm, two labels on opposite sides.
SIZES_MM = ((50, 100, 3), (450, 150, 5))
LARGEST_MM = (200, 6)
TWO_LABELS_ABOVE_L = 450
CHARACTER_MM = {100: 3, 150: 5, 200: 6}


@dataclass(frozen=True, slots=True)
class LabelDocument:
    """One label. All values are printed as they are; weight carries its unit ("12.5 kg")."""

    waste_name: str  # 废物名称
    category: str  # 废物类别, e.g. "HW08 废矿物油与含矿物油废物"
    waste_code: str  # 废物代码, printed 900-214-08
    physical_form: str  # 废物形态: 固态 半固态 液态 气态
    main_components: str  # 主要成分
    harmful_components: str  # 有害成分
    hazard_characteristics: tuple[str, ...]  # 危险特性: T C I R In
    precautions: str  # 注意事项
    digital_id: str  # 数字识别码, 37 characters
    unit_name: str  # 产生/收集单位
    contact: str  # 联系人和联系方式
    produced_on: str  # 产生日期
    weight: str  # 废物重量
    remarks: str  # 备注
    qr_payload: str
    copy: int = 0  # 0: the original; n: the n-th reprint, said on the label


def label_side_mm(volume_l: int) -> int:
    """The smallest allowed label for a container of this volume in litres: 100, 150 or 200 mm."""
    for most_l, side_mm, _ in SIZES_MM:
        if volume_l <= most_l:
            return side_mm
    return LARGEST_MM[0]


def labels_needed(volume_l: int) -> int:
    """1, or 2 on opposite sides above 450 L."""
    return 2 if volume_l > TWO_LABELS_ABOVE_L else 1


def qr_payload(base_url: str, digital_id: str) -> str:
    """`<base URL><digital id>`; the bare code when no URL is configured. Upper case keeps it alphanumeric (smaller)."""
    return base_url + digital_id
