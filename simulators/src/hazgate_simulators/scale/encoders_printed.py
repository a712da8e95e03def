"""Records of several lines: the JIK counting scale's printout and the labelled record of the TFO3.

Both carry gross, net and tare; their weight is the net one. Their clocks stand still here: nobody reads them, and
the same load gives the same bytes.
"""

from __future__ import annotations

from hazgate_simulators.scale.physics import Indication
from hazgate_simulators.scale.text import blanks, is_shown

DATE_LINE = "DATE & TIME JAN. 14,2024  06:28AM"
SET_POINTS = ("SET P1(W)", "SET P2", "SET P3", "SET P4")


class JikPrintout:
    """14 lines from ^KJIK000 to ~P1 (hex logs of a JIK6CAB); printed only at rest, as if the key were held down.

    Lines 6, 7, 9 and 11 to 13 are as the log has them, unexplained. Out of range nothing is printed.
    """

    def encode(self, indication: Indication) -> bytes | None:
        if not indication.stable or not is_shown(indication):
            return None
        columns = [blanks(number, 6, signed=True) for number in (indication.tare, indication.gross, indication.net)]
        if None in columns:
            return None
        tare, gross, net = (f"{column} {indication.unit}" for column in columns)
        lines = [
            "^KJIK000",
            "2023-11-07",
            "17:19:26",
            tare,
            gross,
            "0",
            "0",
            net,
            net,
            "    0 pcs",
            " ",
            " ",
            "E",
            "~P1",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode()


class LabelledRecord:
    """The TFO3 of a textile plant's log: labelled lines ended by CR, one CR LF after STATUS; no unit.

    Status byte 83h at rest, 81h moving (inferred from the log). It knows no out of range and is silent then.
    """

    def encode(self, indication: Indication) -> bytes | None:
        gross, net = blanks(indication.gross, 10, signed=True), blanks(indication.net, 12, signed=True)
        tare = blanks(indication.tare, 12, signed=True)
        if gross is None or net is None or tare is None or not is_shown(indication):
            return None
        status = b"\x83" if indication.stable else b"\x81"
        points = "".join(f"{name}{'0.0':>10}\r" for name in SET_POINTS)
        weights = f"GROSS WEIGHT{gross}\rNET WEIGHT{net}\rTARE{tare}\r"
        return f"{DATE_LINE}\rSCALE NO 1\rSTATUS ".encode() + status + f"*\r\n{points}{weights}".encode()
