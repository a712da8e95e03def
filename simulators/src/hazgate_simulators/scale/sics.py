"""Mettler-Toledo MT-SICS levels 0 and 1: questions in, answers out (MT-SICS reference manual rules)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from hazgate_simulators.scale.physics import Answer, Indication, Platform, Range

LINE_BYTES_MAX = 64
STABLE_WAIT_S = 3.0  # S, Z and T wait this long for rest, then answer "I"
REPEAT_S = 0.1
COMMANDS = ("@", "I0", "I1", "I2", "I3", "I4", "S", "SI", "SIR", "T", "TA", "TAC", "TI", "Z", "ZI")
LEVEL_0 = {"@", "I0", "I1", "I2", "I3", "I4", "S", "SI", "SIR", "Z", "ZI"}


class SicsIndicator:
    """One indicator that answers MT-SICS lines; it cannot say gross or net in its weight answers.

    receive() takes bytes cut anywhere, tick() sends what waits for rest or repeats. Answers are whole lines.
    Wrong commands: ES unknown, ET bytes that are no 7-bit text (a damaged line), EL a known command with a parameter it
    does not take or too long a line, and any command but S, SI and @ before the zero after power-up.
    """

    def __init__(self, platform: Platform, indication: Callable[[], Indication], serial: str = "0123456789") -> None:
        self._platform = platform
        self._indication = indication
        self._serial = serial
        self._unread = b""
        self._waiting: tuple[str, float] | None = None  # command and since when it waits for rest
        self._repeat_at_s: float | None = None

    def receive(self, octets: bytes, now_s: float) -> list[bytes]:
        """The answers to what has become complete with these bytes."""
        self._unread += octets
        *lines, self._unread = self._unread.split(b"\n")
        answers = [answer for line in lines for answer in self._answer(line.removesuffix(b"\r"), now_s)]
        if len(self._unread) > LINE_BYTES_MAX:
            self._unread = b""
            answers.append(b"EL\r\n")
        return answers

    def tick(self, now_s: float) -> list[bytes]:
        """Answers due by now: a weight that was waited for, or the next of SIR."""
        answers = []
        if self._waiting is not None:
            command, since_s = self._waiting
            if self._is_settled() or now_s - since_s >= STABLE_WAIT_S:
                self._waiting = None
                answers.append(self._execute(command))
        if self._repeat_at_s is not None and now_s >= self._repeat_at_s:
            self._repeat_at_s = max(self._repeat_at_s + REPEAT_S, now_s)
            answers.append(self._weight("S", wait=False))
        return answers

    def power_up_line(self) -> bytes:
        """What the device sends unasked after power-up, and as the answer to @."""
        return f'I4 A "{self._serial}"\r\n'.encode()

    def _answer(self, line: bytes, now_s: float) -> list[bytes]:
        if any(byte < 0x20 or byte > 0x7E for byte in line):
            return [b"ET\r\n"]
        if len(line) > LINE_BYTES_MAX:
            return [b"EL\r\n"]
        command, _, parameter = line.decode("ascii").partition(" ")
        if command not in COMMANDS:
            return [b"ES\r\n"]
        if parameter and command != "TA":
            return [b"EL\r\n"]
        self._waiting = None
        if command in ("@", "S", "SI", "SIR"):
            self._repeat_at_s = None
        if command == "@":
            return [self.power_up_line()]
        if not self._indication().ready and command not in ("S", "SI", "SIR"):
            return [b"EL\r\n"]
        match command:
            case "SIR":
                self._repeat_at_s = now_s + REPEAT_S
                return [self._weight("S", wait=False)]
            case "S" | "T" | "Z" if not self._is_settled():
                self._waiting = (command, now_s)
                return []
            case "TA" if parameter:
                return [self._preset_tare(parameter)]
            case "I0" | "I1" | "I2" | "I3" | "I4":
                return self._identity(command)
        return [self._execute(command)]

    def _execute(self, command: str) -> bytes:
        match command:
            case "S":
                return self._weight("S", wait=True)
            case "SI":
                return self._weight("S", wait=False)
            case "Z":
                return self._command_answer("Z", self._platform.zero(), b"Z A\r\n")
            case "ZI":
                return self._command_answer("ZI", self._platform.zero(), b"ZI S\r\n")
            case "T" | "TI":
                answer = self._platform.tare()
                return self._command_answer(command, answer, self._line(f"{command} S", self._indication().tare))
            case "TAC":
                self._platform.preset_tare(0)
                return b"TAC A\r\n"
        return self._line("TA A", self._indication().tare)

    def _weight(self, head: str, *, wait: bool) -> bytes:
        indication = self._indication()
        if not indication.ready or (wait and not indication.stable):
            return f"{head} I\r\n".encode()
        if indication.range is Range.OVER:
            return f"{head} +\r\n".encode()
        if indication.range is Range.UNDER:
            return f"{head} -\r\n".encode()
        return self._line(f"{head} {'S' if indication.stable else 'D'}", indication.shown)

    def _line(self, head: str, number: Decimal) -> bytes:
        """The weight stands right-aligned in ten characters."""
        return f"{head} {number:>10f} {self._indication().unit}\r\n".encode()

    def _command_answer(self, head: str, answer: Answer, done: bytes) -> bytes:
        if answer is Answer.DONE:
            return done
        if answer is Answer.OUT_OF_RANGE:
            return f"{head} {'-' if self._indication().shown < 0 else '+'}\r\n".encode()
        return f"{head} I\r\n".encode()

    def _preset_tare(self, parameter: str) -> bytes:
        number, _, unit = parameter.strip().partition(" ")
        indication = self._indication()
        try:
            divisions = Decimal(number) / indication.division
        except InvalidOperation:
            return b"TA L\r\n"
        if unit != indication.unit or not divisions.is_finite() or divisions != divisions.to_integral_value():
            return b"TA L\r\n"
        if self._platform.preset_tare(int(divisions)) is not Answer.DONE:
            return b"TA L\r\n"
        return self._line("TA A", self._indication().tare)

    def _identity(self, command: str) -> list[bytes]:
        spec = self._platform.spec
        match command:
            case "I0":
                last = COMMANDS[-1]
                return [
                    f'I0 {"A" if name == last else "B"} {0 if name in LEVEL_0 else 1} "{name}"\r\n'.encode()
                    for name in COMMANDS
                ]
            case "I1":
                return [b'I1 A "01" "2.30" "2.22" "" ""\r\n']
            case "I2":
                return [f'I2 A "hazgate-sim {spec.capacity:f} {spec.unit}"\r\n'.encode()]
            case "I3":
                return [b'I3 A "1.00"\r\n']
        return [self.power_up_line()]

    def _is_settled(self) -> bool:
        indication = self._indication()
        return indication.stable and indication.ready
