"""Paper under a head: rows of dots, one byte each, 1 = burnt."""

from __future__ import annotations

_DOTS = [bytes((byte >> place) & 1 for place in range(7, -1, -1)) for byte in range(256)]


class Paper:
    """A label or a stretch of receipt. What falls beside it burns nothing, as with a real head."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self._rows = [bytearray(width) for _ in range(height)]

    def burn(self, raster: bytes, *, x: int, y: int, row_bytes: int) -> None:
        """Set dots of a raster whose set bits burn, from this place on."""
        for number in range(len(raster) // row_bytes):
            if not 0 <= y + number < len(self._rows):
                continue
            dots = b"".join(_DOTS[byte] for byte in raster[number * row_bytes : (number + 1) * row_bytes])
            row = self._rows[y + number]
            for column, dot in enumerate(dots[: max(0, self.width - x)]):
                if dot:
                    row[x + column] = 1

    def grow(self, rows: int) -> int:
        """Feed so many rows; where they begin."""
        start = len(self._rows)
        self._rows += [bytearray(self.width) for _ in range(rows)]
        return start

    @property
    def height(self) -> int:
        return len(self._rows)

    def rows(self) -> tuple[bytes, ...]:
        """As it lies there."""
        return tuple(bytes(row) for row in self._rows)
