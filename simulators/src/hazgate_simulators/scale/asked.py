"""Indicators that answer questions: whole commands recognised in a stream that may be cut anywhere.

Not here: MT-SICS (sics.py) and Modbus. A device hears one question at a time; what it does not know it answers as its
manual says, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from hazgate_simulators.scale.encoders import StreamEncoder
from hazgate_simulators.scale.encoders_framed import CasPd, Dibal, Toledo8217
from hazgate_simulators.scale.encoders_yaohua import CommandAnswers
from hazgate_simulators.scale.physics import Answer, Indication, Platform

UNREAD_MAX = 64
ACK, NAK, ENQ, DC1 = b"\x06", b"\x15", b"\x05", b"\x11"

Action = Callable[[Indication, Platform], bytes | None]


class Asked(Protocol):
    """A polled device: what it answers to bytes, and what it sends later because it waited for rest."""

    def receive(self, octets: bytes, indication: Indication, platform: Platform) -> list[bytes]: ...

    def tick(self, indication: Indication) -> list[bytes]: ...


class Questions:
    """A device with a fixed list of commands.

    at_rest: commands that are answered only when the load is at rest. unknown: what is said to a line that is no
    command, where the device works in lines (end); bytes that belong to no command are passed over otherwise.
    """

    def __init__(
        self,
        actions: Mapping[bytes, Action],
        *,
        at_rest: frozenset[bytes] = frozenset(),
        end: bytes = b"",
        unknown: bytes = b"",
    ) -> None:
        self._actions = dict(actions)
        self._at_rest = at_rest
        self._end = end
        self._unknown = unknown
        self._unread = b""
        self._waiting: tuple[bytes, Platform] | None = None

    def receive(self, octets: bytes, indication: Indication, platform: Platform) -> list[bytes]:
        self._unread += octets
        answers = []
        while (command := self._next()) is not None:
            self._waiting = None
            if command not in self._actions:
                answers.append(self._unknown)
            elif command in self._at_rest and not indication.stable:
                self._waiting = (command, platform)
            elif (answer := self._actions[command](indication, platform)) is not None:
                answers.append(answer)
        return [answer for answer in answers if answer]

    def tick(self, indication: Indication) -> list[bytes]:
        if self._waiting is None or not indication.stable:
            return []
        (command, platform), self._waiting = self._waiting, None
        answer = self._actions[command](indication, platform)
        return [] if answer is None else [answer]

    def _next(self) -> bytes | None:
        """The next whole command, known or (in lines) not; None when more bytes are wanted."""
        while self._unread:
            known = [command for command in self._actions if self._unread.startswith(command)]
            if known:
                return self._take(len(max(known, key=len)))
            if any(command.startswith(self._unread) for command in self._actions):
                return None
            if not self._end:
                self._unread = self._unread[1:]
                continue
            line, found, _ = self._unread.partition(self._end)
            if found:
                return self._take(len(line) + len(found))
            self._unread = self._unread[-UNREAD_MAX:]
            return None
        return None

    def _take(self, size: int) -> bytes:
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken


class EnquiryExchange:
    """CAS PD-II, SW-II, AP-1: ENQ is answered ACK, or NAK while not ready; DC1 after an ACK brings the record."""

    def __init__(self) -> None:
        self._encoder = CasPd()
        self._open = False

    def receive(self, octets: bytes, indication: Indication, platform: Platform) -> list[bytes]:  # noqa: ARG002 no keys
        answers = []
        for at in range(len(octets)):
            byte = octets[at : at + 1]
            if byte == ENQ:
                self._open = indication.ready
                answers.append(ACK if indication.ready else NAK)
            elif byte == DC1 and self._open:
                self._open = False
                answers.append(self._encoder.encode(indication) or b"")
        return [answer for answer in answers if answer]

    def tick(self, indication: Indication) -> list[bytes]:  # noqa: ARG002 nothing waits
        return []


class Toledo8217Device:
    """Single letters: W weight, Z zero, T tare, C clear; E echoes what follows until F (probe Ehello)."""

    def __init__(self) -> None:
        self._encoder = Toledo8217()
        self._echoes = False

    def receive(self, octets: bytes, indication: Indication, platform: Platform) -> list[bytes]:
        answers = [self._one(octets[at : at + 1], indication, platform) for at in range(len(octets))]
        return [answer for answer in answers if answer]

    def tick(self, indication: Indication) -> list[bytes]:  # noqa: ARG002 nothing waits
        return []

    def _one(self, letter: bytes, indication: Indication, platform: Platform) -> bytes:
        if letter == b"W":  # a question for the weight ends an echo that nobody ended
            self._echoes = False
            return self._encoder.encode(indication) or b""
        if letter in (b"E", b"F"):
            self._echoes = letter == b"E"
            return b"\x02" + letter + b"\r"
        if self._echoes:
            return letter
        if letter == b"Z":
            platform.zero()
        elif letter == b"T":
            platform.tare()
        elif letter == b"C":
            platform.preset_tare(0)
        return b""


class DibalDevice:
    """Lines that begin with 98 and have the right check are answered; anything else is not."""

    def __init__(self) -> None:
        self._encoder = Dibal()
        self._unread = b""

    def receive(self, octets: bytes, indication: Indication, platform: Platform) -> list[bytes]:  # noqa: ARG002 no keys
        *lines, self._unread = (self._unread + octets).split(b"\n")
        self._unread = self._unread[-UNREAD_MAX:]
        answers = [self._encoder.encode(indication) for line in lines if Dibal.is_question(line + b"\n")]
        return [answer for answer in answers if answer]

    def tick(self, indication: Indication) -> list[bytes]:  # noqa: ARG002 nothing waits
        return []


def yaohua_commands() -> Questions:
    """XK3190 tF=1 with address A."""
    answers = CommandAnswers()

    def asked(command: bytes) -> Action:
        return lambda indication, _platform: answers.answer(command, indication)

    return Questions({answers.question(command): asked(command) for command in (b"A", b"B", b"C", b"D")})


def and_balance(encoder: StreamEncoder) -> Questions:
    """A&D: Q and SI at once, S at rest, Z and T with the setting ErCd (06 when done, EC,E01 for what is unknown)."""
    done, refused = ACK + b"\r\n", b"EC,E01\r\n"
    return Questions(
        {
            b"Q\r\n": lambda indication, _: encoder.encode(indication),
            b"SI\r\n": lambda indication, _: encoder.encode(indication),
            b"S\r\n": lambda indication, _: encoder.encode(indication),
            b"Z\r\n": lambda _, platform: done if platform.zero() is Answer.DONE else refused,
            b"T\r\n": lambda _, platform: done if platform.tare() is Answer.DONE else refused,
        },
        at_rest=frozenset({b"S\r\n"}),
        end=b"\r\n",
        unknown=refused,
    )


def sartorius(encoder: StreamEncoder) -> Questions:
    """Sartorius SBI: ESC P print, ESC T tare, ESC V zero (recalled); nothing is acknowledged."""
    return Questions(
        {
            b"\x1bP\r\n": lambda indication, _: encoder.encode(indication),
            b"\x1bT\r\n": lambda _, platform: _silently(platform.tare),
            b"\x1bV\r\n": lambda _, platform: _silently(platform.zero),
        },
        end=b"\n",
    )


def kern(encoder: StreamEncoder) -> Questions:
    """Kern: w now, s at rest, t tare; single letters without an end, no answer to t."""
    return Questions(
        {
            b"w": lambda indication, _: encoder.encode(indication),
            b"s": lambda indication, _: encoder.encode(indication),
            b"t": lambda _, platform: _silently(platform.tare),
        },
        at_rest=frozenset({b"s"}),
    )


def dini(encoder: StreamEncoder) -> Questions:
    """Dini Argeo: READ, ZERO and TARE (OK = accepted only), ERR04 for all else, also for the strings not simulated."""
    return Questions(
        {
            b"READ\r\n": lambda indication, _: encoder.encode(indication),
            b"ZERO\r\n": lambda _, platform: _accepted(platform.zero),
            b"TARE\r\n": lambda _, platform: _accepted(platform.tare),
        },
        end=b"\r\n",
        unknown=b"ERR04\r\n",
    )


def nci(encoder: StreamEncoder) -> Questions:
    """NCI: W weight, Z zero, each with CR; LF ? CR for what is not understood."""
    return Questions(
        {
            b"W\r": lambda indication, _: encoder.encode(indication),
            b"Z\r": lambda _, platform: _silently(platform.zero),
        },
        end=b"\r",
        unknown=b"\n?\r",
    )


def prot_f(encoder: StreamEncoder) -> Questions:
    """PROT F: asked with 04h."""
    return Questions({b"\x04": lambda indication, _: encoder.encode(indication)})


def _silently(key: Callable[[], Answer]) -> None:
    """Press a key whose outcome the device does not tell."""
    key()


def _accepted(key: Callable[[], Answer]) -> bytes:
    key()
    return b"OK\r\n"
