"""A data segment's fields, the factors in CP as exact decimals, and the answer a 2017 sender asks for by its flag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from hazgate_protocols.hj212 import editions
from hazgate_protocols.hj212.frames import encode

ITEMS_MAX = 300  # attributes in one CP; 1024 bytes hold fewer
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # the protocol's times have no zone (M: local time is meant)
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,9})?")
_KEY = re.compile(r"[A-Za-z0-9_]{1,20}(-[A-Za-z0-9_]{1,20})?")
_WHOLE = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A right frame whose segment says nothing that can be used: why, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor's numbers and texts: values {"Rtd": 25.3}, flag ("N"; "" when none was said)."""

    values: dict[str, Decimal] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # attributes that are no number

    @property
    def flag(self) -> str:
        """The data flag as it came, "" for none."""
        return self.texts.get("Flag", "")

    @property
    def is_normal(self) -> bool:
        """Whether nothing speaks against the values. A factor without a flag is taken for normal."""
        return self.flag in ("", editions.FLAG_NORMAL)


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded data segment. pw is a password: not for logs or records."""

    qn: str
    st: str
    cn: str
    mn: str
    flag: int
    pw: str = field(repr=False)
    parameters: dict[str, str]  # CP's items that belong to no factor: DataTime, RtdInterval
    factors: dict[str, Factor]
    packet: tuple[int, int] | None = None  # PNUM, PNO: the total, and which this is

    @property
    def wants_answer(self) -> bool:
        """Bit 0 of the flag."""
        return bool(self.flag & editions.FLAG_ANSWER)

    @property
    def version(self) -> int:
        """Bits 2 to 7 of the flag; editions.Edition names those that are known."""
        return self.flag >> editions.FLAG_VERSION_SHIFT

    @property
    def data_time(self) -> datetime | None:
        """When the device measured, aware; None when it does not say or says no time."""
        return _time(self.parameters.get("DataTime", ""))


def decode(segment: bytes) -> Message | Malformed:
    """The message of a data segment."""
    try:
        text = segment.decode("ascii")
    except UnicodeDecodeError as exc:
        return Malformed(f"byte {exc.start} is not ASCII")
    head, mark, rest = text.partition("CP=&&")
    if not mark or not rest.endswith("&&") or "&&" in rest[:-2]:
        return Malformed("no CP=&&...&& at the end")
    fields: dict[str, str] = {}
    for item in head.split(";"):
        if not item:
            continue
        key, mark, value = item.partition("=")
        if not mark or key in fields:
            return Malformed(f"field {key[:20]!r} stands twice or has no value")
        fields[key] = value
    if missing := [key for key in editions.FIELD_ORDER if key not in fields]:
        return Malformed(f"{', '.join(missing)} missing")
    wrong = _wrong_field(fields)
    if wrong:
        return Malformed(wrong)
    flag = int(fields["Flag"])
    packet = None
    if flag & editions.FLAG_PACKETS:
        numbers = [fields.get(key, "") for key in ("PNUM", "PNO")]
        if not all(_WHOLE.fullmatch(number) for number in numbers) or not 1 <= int(numbers[1]) <= int(numbers[0]):
            return Malformed(f"the flag promises PNUM and PNO; they are {numbers}")
        packet = (int(numbers[0]), int(numbers[1]))
    contents = _contents(rest[:-2])
    if isinstance(contents, Malformed):
        return contents
    parameters, factors = contents
    return Message(
        fields["QN"], fields["ST"], fields["CN"], fields["MN"], flag, fields["PW"], parameters, factors, packet
    )


def answer(message: Message) -> bytes:
    """The frame that tells the sender its message was taken: 9014 to data, 9013 to anything else (editions.py: M).

    The flag's version is the sender's own, and its answer bit is clear.
    """
    cn = editions.CN_DATA_ANSWER if message.cn in editions.CN_DATA else editions.CN_NOTICE_ANSWER
    flag = message.version << editions.FLAG_VERSION_SHIFT
    text = f"QN={message.qn};ST={editions.ANSWER_ST};CN={cn};PW={message.pw};MN={message.mn};Flag={flag};CP=&&&&"
    return encode(text.encode("ascii"))


def _wrong_field(fields: dict[str, str]) -> str:
    for key, pattern in _FIELDS.items():
        if not pattern.fullmatch(fields[key]):
            # The password's own text stays out of every message.
            return f"{key} is not as it must be" if key == "PW" else f"{key}={fields[key][:30]!r} is not as it must be"
    return "QN is no time" if _time(fields["QN"]) is None else ""


_FIELDS = {
    "QN": re.compile(rf"[0-9]{{{editions.QN_DIGITS}}}"),
    "ST": re.compile(r"[0-9]{2}"),
    "CN": re.compile(r"[0-9]{4}"),
    "PW": re.compile(rf"[ -:<-~]{{0,{editions.PW_CHARS_MAX}}}"),
    "MN": re.compile(rf"[A-Za-z0-9]{{1,{editions.MN_CHARS_MAX}}}"),
    "Flag": re.compile(r"[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]"),
}


def _contents(text: str) -> tuple[dict[str, str], dict[str, Factor]] | Malformed:
    parameters: dict[str, str] = {}
    factors: dict[str, Factor] = {}
    items = [item for group in text.split(";") for item in group.split(",") if item]
    if len(items) > ITEMS_MAX:
        return Malformed(f"{len(items)} items in CP, at most {ITEMS_MAX}")
    for item in items:
        key, mark, value = item.partition("=")
        if not mark or not _KEY.fullmatch(key):
            return Malformed(f"item {item[:30]!r} of CP is no key and value")
        code, mark, attribute = key.partition("-")
        if not mark:
            if key in parameters:
                return Malformed(f"{key} stands twice in CP")
            parameters[key] = value
            continue
        factor = factors.setdefault(code, Factor())
        if attribute in factor.values or attribute in factor.texts:
            return Malformed(f"{key} stands twice in CP")
        # A flag may be a digit; it stays a letter of its own and is never a measurement.
        if attribute != "Flag" and _NUMBER.fullmatch(value):
            factor.values[attribute] = Decimal(value)
        else:
            factor.texts[attribute] = value
    return parameters, factors


def _time(text: str) -> datetime | None:
    if not text.isdigit() or len(text) not in (14, 17):
        return None
    try:
        whole = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
    return whole + timedelta(milliseconds=int(text[14:] or 0))
