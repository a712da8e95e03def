"""From a `Say` to a sentence in the operator's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from hazgate_edge.domain.view import Say
from hazgate_edge.terminal.catalogue import MESSAGES, SAFE, Message, Safe, Sentence, Tone
from hazgate_edge.terminal.words import Language, pick

# China has one zone and no summer time since 1991: a fixed offset needs no zone database on the box.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message as the page shows it; `safe` and `act` may be empty."""

    key: str
    tone: Tone
    what: str
    safe: str
    act: str

    def plain(self) -> dict[str, str]:
        """For JSON."""
        return {"key": self.key, "tone": self.tone.value, "what": self.what, "safe": self.safe, "act": self.act}


def speak(say: Say, language: Language) -> Spoken:
    """The sentence for a key. An unknown key or a missing value still says something: the screen must never fail."""
    message = MESSAGES.get(say.key, _unknown(say.key))
    sentence = message.en if language is Language.EN else message.zh
    values = _Values(say.values)
    return Spoken(
        key=say.key,
        tone=message.tone,
        what=sentence.what.format_map(values),
        safe=pick(SAFE[message.safe], language),
        act=sentence.act.format_map(values),
    )


def local_time(stamp: str | datetime, form: str = "%H:%M") -> str:
    """RFC 3339 text or an aware time as local text; "" for "", and the text itself when it is no time."""
    if isinstance(stamp, datetime):
        return stamp.astimezone(SHANGHAI).strftime(form)
    try:
        return datetime.fromisoformat(stamp).astimezone(SHANGHAI).strftime(form) if stamp else ""
    except ValueError:
        return stamp


class _Values(dict[str, str]):
    """Missing values show as a question mark."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)

    def __missing__(self, key: str) -> str:
        return "?"


def _unknown(key: str) -> Message:
    shown = key.replace("{", "").replace("}", "")
    return Message(
        Tone.FAULT,
        Safe.PLAIN,
        Sentence(f"本机消息 {shown}", "把这个代码告诉管理员"),
        Sentence(f"Message {shown} of the box", "Tell the administrator this code"),
    )
