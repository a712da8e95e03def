"""Every fact of HJ 212 that this package relies on, each with how far it can be believed.

H: recomputed here from the standard's own published example, or found alike in several public sources.
M: one public code base, or several that do not name the clause. L: recalled, not looked up. The text of the standards
was not at hand; before a site is connected for the record, M and L are to be checked against it.
"""

from __future__ import annotations

from enum import IntEnum

HEAD = b"##"  # H
TAIL = b"\r\n"  # H
LENGTH_DIGITS = 4  # H: decimal, of the data segment
CRC_DIGITS = 4  # H: hexadecimal, high byte first
SEGMENT_BYTES_MAX = 1024  # M: larger contents are split with PNUM and PNO
FIELD_ORDER = ("QN", "ST", "CN", "PW", "MN", "Flag")  # H
QN_DIGITS = 17  # H: yyyyMMddHHmmssSSS, local time
MN_CHARS_MAX = 24  # H: 24 in the example; 2005 devices have fewer (14)
PW_CHARS_MAX = 9  # M: six in the example

FLAG_ANSWER = 0b01  # M: bit 0, the sender wants an answer
FLAG_PACKETS = 0b10  # M: bit 1, PNUM and PNO are there
FLAG_VERSION_SHIFT = 2  # M: bits 2 to 7


class Edition(IntEnum):
    """The version number in the flag. All M: one code base."""

    HJ2005 = 0
    HJ2017 = 1
    HJ2025 = 2  # nothing else of this edition is relied on; its frames are read by the rules of 2017


ANSWER_ST = "91"  # L: system interaction
CN_REAL_TIME = "2011"  # H
CN_MINUTE = "2051"  # H
CN_HOUR = "2061"  # H
CN_DAY = "2031"  # H
CN_DATA = frozenset({CN_REAL_TIME, CN_MINUTE, CN_HOUR, CN_DAY})
CN_DATA_ANSWER = "9014"  # M: "I have your data"
CN_NOTICE_ANSWER = "9013"  # M: answer to what is no data

# M, and public sources disagree: only N is taken for good; every other letter is kept as it came.
FLAG_NORMAL = "N"
