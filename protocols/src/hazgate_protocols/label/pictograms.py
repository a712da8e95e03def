"""Hazard pictograms in a diamond, drawn by ourselves from simple shapes.

HJ 1276-2022 Annex A shows the official art and colours; that annex was not at hand, only recollection. So the drawings
carry the recalled motifs (skull, poured acid, flame, burst) and colours, always beside the word; where an inspector
wants the annex's art to the letter, use stock with the pictograms pre-printed. All shapes are polygons and ellipses in
a unit square, drawn several times larger and averaged down, so that any number of dots works.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

OVERSAMPLE = 6
INK, BARE = 255, 0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hazard:
    """A hazard characteristic of the national catalogue and its recalled background colour (full-colour labels)."""

    code: str
    word: str
    background: tuple[int, int, int]


WHITE = (255, 255, 255)
HAZARDS = {
    hazard.code: hazard
    for hazard in (
        Hazard("T", "毒性", WHITE),
        Hazard("C", "腐蚀性", WHITE),
        Hazard("I", "易燃性", (255, 0, 0)),
        Hazard("R", "反应性", (255, 255, 0)),
        Hazard("In", "感染性", WHITE),
    )
}


def diamond_mask(side: int) -> Image.Image:
    """Coverage (mode L) of the whole diamond: what the background colour fills."""
    canvas = _Canvas(side)
    canvas.polygon(_diamond(0.0), INK)
    return canvas.averaged()


def pictogram_ink(code: str, side: int) -> Image.Image:
    """Coverage (mode L, 255 = black) of the diamond's rim and the motif of one hazard."""
    canvas = _Canvas(side)
    _MOTIFS[code](canvas)
    rim = _diamond(0.0)
    inner = _diamond(0.035)
    for corner in range(4):
        after = (corner + 1) % 4
        canvas.polygon([rim[corner], rim[after], inner[after], inner[corner]], INK)
    return canvas.averaged()


class _Canvas:
    def __init__(self, side: int) -> None:
        from PIL import Image, ImageDraw

        self._side = side
        self._scale = side * OVERSAMPLE
        self._image = Image.new("L", (self._scale, self._scale), BARE)
        self._draw: ImageDraw.ImageDraw = ImageDraw.Draw(self._image)

    def polygon(self, points: list[Point], fill: int) -> None:
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill=fill)

    def disc(self, x: float, y: float, radius_x: float, fill: int, radius_y: float | None = None) -> None:
        tall = radius_x if radius_y is None else radius_y
        box = [(x - radius_x), (y - tall), (x + radius_x), (y + tall)]
        self._draw.ellipse([value * self._scale for value in box], fill=fill)

    def bar(self, start: Point, end: Point, width: float, fill: int) -> None:
        """A straight bar with square ends."""
        along_x, along_y = end[0] - start[0], end[1] - start[1]
        length = math.hypot(along_x, along_y)
        off_x, off_y = -along_y / length * width / 2, along_x / length * width / 2
        self.polygon(
            [
                (start[0] + off_x, start[1] + off_y),
                (end[0] + off_x, end[1] + off_y),
                (end[0] - off_x, end[1] - off_y),
                (start[0] - off_x, start[1] - off_y),
            ],
            fill,
        )

    def averaged(self) -> Image.Image:
        from PIL import Image

        return self._image.resize((self._side, self._side), Image.Resampling.BOX)


def _diamond(inset: float) -> list[Point]:
    return [(0.5, inset), (1 - inset, 0.5), (0.5, 1 - inset), (inset, 0.5)]


def _skull(canvas: _Canvas) -> None:
    for left, right in ((0.3, 0.7), (0.7, 0.3)):
        start, end = (left, 0.58), (right, 0.73)
        canvas.bar(start, end, 0.05, INK)
        for x, y in (start, end):
            canvas.disc(x, y - 0.024, 0.034, INK)
            canvas.disc(x, y + 0.024, 0.034, INK)
    canvas.disc(0.5, 0.37, 0.195, BARE, 0.185)
    canvas.polygon([(0.375, 0.45), (0.625, 0.45), (0.6, 0.62), (0.4, 0.62)], BARE)
    canvas.disc(0.5, 0.37, 0.17, INK, 0.16)
    canvas.polygon([(0.405, 0.48), (0.595, 0.48), (0.585, 0.595), (0.415, 0.595)], INK)
    for x in (0.43, 0.57):
        canvas.disc(x, 0.39, 0.053, BARE, 0.049)
    canvas.polygon([(0.5, 0.435), (0.532, 0.495), (0.468, 0.495)], BARE)
    for x in (0.455, 0.5, 0.545):
        canvas.bar((x, 0.54), (x, 0.6), 0.017, BARE)


def _poured_acid(canvas: _Canvas) -> None:
    # Lower half black; two tilted tubes drip on two slabs, which are eaten away.
    canvas.polygon([(0.0, 0.5), (1.0, 0.5), (0.5, 1.0)], INK)
    for left in (True, False):

        def at(x: float, y: float, keep: bool = left) -> Point:
            return (x if keep else 1 - x, y)

        canvas.bar(at(0.475, 0.165), at(0.3, 0.3), 0.095, INK)
        canvas.bar(at(0.449, 0.185), at(0.288, 0.309), 0.045, BARE)
        for y in (0.37, 0.44):
            canvas.disc(*at(0.287, y), 0.023, INK, 0.03)
        slab = [(0.19, 0.56), (0.245, 0.56), (0.265, 0.6), (0.287, 0.615), (0.309, 0.6), (0.33, 0.56), (0.455, 0.56)]
        canvas.polygon([at(x, y) for x, y in [*slab, (0.455, 0.645), (0.19, 0.645)]], BARE)


def _flame(canvas: _Canvas) -> None:
    canvas.polygon(
        [
            (0.52, 0.14), (0.57, 0.26), (0.66, 0.35), (0.70, 0.47), (0.685, 0.56), (0.635, 0.635), (0.56, 0.675),
            (0.44, 0.675), (0.365, 0.635), (0.315, 0.56), (0.305, 0.47), (0.335, 0.37), (0.38, 0.31), (0.395, 0.40),
            (0.43, 0.435), (0.47, 0.36), (0.465, 0.25),
        ],
        INK,
    )  # fmt: skip
    canvas.polygon(
        [
            (0.515, 0.405), (0.545, 0.475), (0.595, 0.525), (0.60, 0.59), (0.56, 0.645), (0.50, 0.66), (0.44, 0.645),
            (0.40, 0.595), (0.405, 0.525), (0.435, 0.515), (0.465, 0.525), (0.50, 0.48),
        ],
        BARE,
    )  # fmt: skip
    canvas.bar((0.3, 0.735), (0.7, 0.735), 0.045, INK)


def _burst(canvas: _Canvas) -> None:
    points: list[Point] = []
    rays = 12
    for ray in range(rays * 2):
        angle = math.pi * ray / rays - math.pi / 2
        radius = 0.115 if ray % 2 else (0.29 if ray % 4 == 0 else 0.22)
        points.append((0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)))
    canvas.polygon(points, INK)
    canvas.disc(0.5, 0.5, 0.06, BARE)
    for degrees in (45, 135, 225, 315):
        angle = math.radians(degrees)
        canvas.disc(0.5 + 0.27 * math.cos(angle), 0.5 + 0.27 * math.sin(angle), 0.026, INK)


def _trefoil(canvas: _Canvas) -> None:
    centres = [
        (0.5 + 0.135 * math.cos(math.radians(degrees)), 0.5 + 0.135 * math.sin(math.radians(degrees)))
        for degrees in (-90, 30, 150)
    ]
    for x, y in centres:
        canvas.disc(x, y, 0.165, INK)
    for degrees, (x, y) in zip((-90, 30, 150), centres, strict=True):
        out_x, out_y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        canvas.disc(x + 0.045 * out_x, y + 0.045 * out_y, 0.122, BARE)
        canvas.bar((x + 0.1 * out_x, y + 0.1 * out_y), (x + 0.18 * out_x, y + 0.18 * out_y), 0.07, BARE)
    canvas.disc(0.5, 0.5, 0.042, BARE)


_MOTIFS = {"T": _skull, "C": _poured_acid, "I": _flame, "R": _burst, "In": _trefoil}
