"""A figure as a picture: horizontal bars with their spread and the goal as a line. SVG written by hand."""

from __future__ import annotations

from xml.sax.saxutils import escape

from benchmarks.figure import Bar, Figure, Role

WIDTH = 800
LABEL_WIDTH = 330
LABEL_CHARS_MAX = 48  # at 13 px sans-serif this many fit
VALUE_WIDTH = 90
TOP = 44
BAR_HEIGHT = 20
ROW_HEIGHT = 34
FOOT = 26
# One strong colour for what is ours; the rest steps back. All readable on the white ground drawn below them.
COLOURS = {Role.OURS: "#0b6e4f", Role.REFERENCE: "#5b6770", Role.SHOWN: "#b6bfc6"}
GOAL_COLOUR = "#b3261e"
INK = "#1b1f23"


def draw(figure: Figure) -> str:
    """The figure as an SVG document; raises ValueError for a figure without bars or with a label too long."""
    if not figure.bars:
        raise ValueError(f"draw {figure.key}: it has no bars")
    for bar in figure.bars:
        if len(bar.label) > LABEL_CHARS_MAX:
            raise ValueError(f"draw {figure.key}: {bar.label!r} is longer than {LABEL_CHARS_MAX} characters")
    goal = _goal_value(figure)
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / max([bar.spread.most for bar in figure.bars] + [goal or 0.0])
    bottom = TOP + ROW_HEIGHT * len(figure.bars)
    size = f'width="{WIDTH}" height="{bottom + FOOT}"'
    letters = f'font-family="sans-serif" font-size="13" fill="{INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" {letters}>',
        f"<title>{escape(figure.title)}</title>",
        f'<rect {size} fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold">{escape(figure.title)} ({escape(figure.unit)})</text>',
    ]
    for row, bar in enumerate(figure.bars):
        parts += _bar(bar, TOP + row * ROW_HEIGHT, scale)
    if goal is not None and figure.goal is not None:
        parts += _goal_line(LABEL_WIDTH + goal * scale, bottom, f"goal {figure.goal} × reference")
    # After the goal's line, and with a rim in the ground's colour, so that the line never crosses out a number.
    parts += [_number(bar, TOP + row * ROW_HEIGHT, scale) for row, bar in enumerate(figure.bars)]
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def number_text(value: float) -> str:
    """Three significant digits, whole from 100 on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    spread = bar.spread
    middle, end = y + BAR_HEIGHT / 2, LABEL_WIDTH + spread.most * scale
    size = f'width="{spread.median * scale:.1f}" height="{BAR_HEIGHT}"'
    return [
        f'<text x="{LABEL_WIDTH - 10}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{bar.role.value}" x="{LABEL_WIDTH}" y="{y}" {size} rx="2" fill="{COLOURS[bar.role]}"/>',
        f'<path d="M{LABEL_WIDTH + spread.least * scale:.1f} {middle}H{end:.1f}" stroke="{INK}" stroke-width="1.5"/>',
    ]


def _number(bar: Bar, y: int, scale: float) -> str:
    x, text = LABEL_WIDTH + bar.spread.most * scale + 8, number_text(bar.spread.median)
    return f'<text x="{x:.1f}" y="{y + 15}" stroke="#ffffff" stroke-width="4" paint-order="stroke">{text}</text>'


def _goal_line(x: float, bottom: int, said: str) -> list[str]:
    anchor = "end" if x > WIDTH - 120 else "middle"
    return [
        f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="{GOAL_COLOUR}" stroke-width="1.5" stroke-dasharray="5 4"/>',
        f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="{anchor}" fill="{GOAL_COLOUR}">{escape(said)}</text>',
    ]


def _goal_value(figure: Figure) -> float | None:
    reference = figure.bar(Role.REFERENCE)
    if figure.goal is None or reference is None:
        return None
    return figure.goal.ratio * reference.spread.median
