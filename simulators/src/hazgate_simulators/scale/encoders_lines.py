"""Lines of text: balances and indicators of A&D, Ohaus, Sartorius, Kern, G&G, Dini Argeo, Shinko, Mettler-Toledo.

Where a manual gives no line for a state, the simulator sends nothing in it; each class says for which.
"""

from __future__ import annotations

from typing import ClassVar

from hazgate_simulators.scale.physics import Indication, Range
from hazgate_simulators.scale.text import blanks, is_shown, zeros


class AndStandard:
    """A&D standard format (GX, FX manuals): ST or US, ',', sign, 8 characters, unit of 3, CR LF.

    Out of range OL and a number that is none. EC,E11 (stability or zero error) before the zero after power-up: the
    code is recalled. Neither gross nor net is said.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return b"EC,E11\r\n"
        if indication.range is not Range.INSIDE:
            return b"OL,%b9999999E+19\r\n" % (b"+" if indication.range is Range.OVER else b"-")
        number = zeros(indication.shown, 8)
        if number is None:
            return None
        head = "ST" if indication.stable else "US"
        return f"{head},{'-' if indication.shown < 0 else '+'}{number}{indication.unit:>3}\r\n".encode()


class AndIndicator:
    """A&D AD-44xx manuals: ST US OL, GS NT, sign and 7 characters, unit of 2, CR LF.

    Out of range the digits are blank and the point stays. I (busy) before the zero after power-up.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return b"I\r\n"
        kind = "NT" if indication.net_shown else "GS"
        unit = f"{indication.unit:>2}"
        if indication.range is not Range.INSIDE:
            sign = "+" if indication.range is Range.OVER else "-"
            return f"OL,{kind},{sign}    .  {unit}\r\n".encode()
        number = zeros(indication.shown, 7)
        if number is None:
            return None
        head = "ST" if indication.stable else "US"
        return f"{head},{kind},{'-' if indication.shown < 0 else '+'}{number}{unit}\r\n".encode()


class OhausLine:
    """Ohaus Defender 3000, as its field log has it: sign place and number in 8, blank, unit of 5, '?' or blank, G or N.

    No source shows a line out of range: then silent, and before the zero.
    """

    def encode(self, indication: Indication) -> bytes | None:
        number = blanks(indication.shown, 7)
        if number is None or not is_shown(indication):
            return None
        sign = "-" if indication.shown < 0 else " "
        moving = " " if indication.stable else "?"
        return f"{sign}{number} {indication.unit:<5}{moving}{'N' if indication.net_shown else 'G'}\r\n".encode()


class Sbi16:
    """Sartorius SBI (Quintix, Combics, LE, MC manuals): sign, 9 characters, blank, unit of 3 only at rest, CR LF.

    H or L in the middle when out of range, two dashes while not ready. Neither gross nor net.
    """

    def encode(self, indication: Indication) -> bytes | None:
        line = self.line(indication, {"over": "      H       ", "under": "      L       ", "busy": "      --      "})
        return None if line is None else line.encode() + b"\r\n"

    @staticmethod
    def line(indication: Indication, words: dict[str, str]) -> str | None:
        """The 14 characters; words: what stands there instead when there is no weight."""
        if not indication.ready:
            return words["busy"]
        if indication.range is not Range.INSIDE:
            return words[indication.range.value]
        number = blanks(indication.shown, 9)
        if number is None:
            return None
        unit = indication.unit if indication.stable else ""
        return f"{'-' if indication.shown < 0 else '+'}{number} {unit:<3}"


class Sbi22(Sbi16):
    """The same with a label of 6 in front: G, N, or Stat for what is no weight."""

    def encode(self, indication: Indication) -> bytes | None:
        words = {"over": "      High    ", "under": "      Low     ", "busy": "      --      "}
        line = self.line(indication, words)
        if line is None:
            return None
        label = "Stat" if line in words.values() else "N" if indication.net_shown else "G"
        return f"{label:<6}{line}\r\n".encode()


class KernTws:
    """Kern 572, 573, KB, DS, FKB (an owner's lines): number and sign right-aligned in 12, blank, unit of 3 at rest.

    =Overload= in the middle. No source shows underload or a balance that is not ready: then silent.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready or indication.range is Range.UNDER:
            return None
        if indication.range is Range.OVER:
            return b"   =Overload=   \r\n"
        number = blanks(indication.shown, 12, signed=True)
        if number is None:
            return None
        return f"{number} {indication.unit if indication.stable else '':<3}\r\n".encode()


class GandG:
    """G&G balances (an owner's lines): sign in column 1, number right-aligned in 8, blank, unit of 2. No more."""

    def encode(self, indication: Indication) -> bytes | None:
        number = blanks(indication.shown, 8)
        if number is None or not is_shown(indication):
            return None
        return f"{'-' if indication.shown < 0 else ' '}{number} {indication.unit:<2}\r\n".encode()


class DiniString:
    """Dini Argeo 3590, 5.4: ST US OL UL, GS NT, 8 characters, unit, CR LF; ERR03 (not now) while not ready."""

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.ready:
            return b"ERR03\r\n"
        head = {Range.OVER: "OL", Range.UNDER: "UL"}.get(indication.range, "ST" if indication.stable else "US")
        number = blanks(indication.shown, 8, signed=True)
        if indication.range is Range.OVER:
            number = "   99999"
        if number is None:
            return None
        return f"{head},{'NT' if indication.net_shown else 'GS'},{number},{indication.unit}\r\n".encode()


class PlainLine:
    """A bare number a line, as sketches for HX711 boards print it. Nothing else is said, an overload least of all:
    the board prints whatever it measures; only before its zero it is silent."""

    def encode(self, indication: Indication) -> bytes | None:
        return f"{indication.shown:f}\r\n".encode() if indication.ready else None


class Vibra:
    """Shinko ViBRA (field log): sign, 7 characters with '/' before the last digit, unit letter, blank, S U or E.

    Needs two decimals at least. E beside zeros when there is no weight to say.
    """

    UNITS: ClassVar = {"kg": "KG", "g": "G"}

    def encode(self, indication: Indication) -> bytes | None:
        unit = self.UNITS.get(indication.unit)
        if indication.places < 2 or unit is None:
            return None
        number = zeros(indication.shown if is_shown(indication) else abs(indication.shown * 0), 7)
        if number is None:
            return None
        state = "E" if not is_shown(indication) else "S" if indication.stable else "U"
        sign = "-" if indication.shown < 0 else "+"
        return f"{sign}{number[:-1]}/{number[-1]} {unit} {state}\r\n".encode()


class MettlerPrint:
    """Interval print of a Mettler-Toledo balance (log of an MS204TS): N or G, number, unit; 24 characters.

    The line says neither rest nor range; out of range the balance prints nothing.
    """

    def encode(self, indication: Indication) -> bytes | None:
        number = blanks(indication.shown, 13, signed=True)
        if number is None or not is_shown(indication):
            return None
        return f"     {'N' if indication.net_shown else 'G'}{number} {indication.unit:<4}\r\n".encode()
