"""The faults of a link by name, and a script of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SCRIPT_STEPS_MAX = 1000


class Fault(StrEnum):
    """What the link does; `amount` is the fault's number where it has one."""

    CLEAR = "clear"  # passes everything
    REFUSE = "refuse"  # new connections are refused, old ones are closed
    CUT = "cut"  # open connections are closed now; new ones are taken and closed at once
    RESET = "reset"  # as cut, with a reset (RST) instead of an orderly end
    BLACKHOLE = "blackhole"  # connections stay open and are taken, nothing passes either way
    SILENT_UP = "silent-up"  # nothing passes from client to server
    SILENT_DOWN = "silent-down"  # nothing passes from server to client
    LATENCY = "latency"  # each piece arrives `amount` milliseconds later, each way
    SLOW = "slow"  # at most `amount` bytes a second, each way
    HTML = "html"  # open connections are closed, new ones get a sign-in page, as behind a captive portal
    TAMPER = "tamper"  # one byte is altered in each piece of 200 bytes or more on its way up


DEFAULT_AMOUNT = {Fault.LATENCY: 2000, Fault.SLOW: 960}
MEANING = {
    Fault.CLEAR: "passes everything",
    Fault.REFUSE: "refuses connections and closes open ones",
    Fault.CUT: "closes every connection",
    Fault.RESET: "resets every connection",
    Fault.BLACKHOLE: "takes everything, passes nothing",
    Fault.SILENT_UP: "passes nothing from client to server",
    Fault.SILENT_DOWN: "passes nothing from server to client",
    Fault.LATENCY: "delays by so many milliseconds each way",
    Fault.SLOW: "passes so many bytes a second each way",
    Fault.HTML: "closes connections and answers new ones with a sign-in page",
    Fault.TAMPER: "alters a byte in each long piece on its way up",
}


class FaultTextError(ValueError):
    """A fault or script that cannot be read; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class State:
    """A fault and its number; 0 where it has none."""

    fault: Fault = Fault.CLEAR
    amount: int = 0

    def __str__(self) -> str:
        return f"{self.fault.value} {self.amount}" if self.amount else self.fault.value


@dataclass(frozen=True, slots=True)
class Step:
    """From at_s seconds after the start on: this."""

    at_s: float
    state: State


def state_of(text: str) -> State:
    """From "slow 9600" or "cut". Raises FaultTextError."""
    words = text.split()
    known = ", ".join(fault.value for fault in Fault)
    if not words or words[0] not in {fault.value for fault in Fault} or len(words) > 2:
        raise FaultTextError(f"fault {text!r}: a name and perhaps a number is wanted; names: {known}")
    fault = Fault(words[0])
    if fault not in DEFAULT_AMOUNT:
        if len(words) == 2:
            raise FaultTextError(f"fault {text!r}: {fault.value} takes no number")
        return State(fault)
    amount = words[1] if len(words) == 2 else str(DEFAULT_AMOUNT[fault])
    if not amount.isdecimal() or not 1 <= int(amount) <= 10**9:
        raise FaultTextError(f"fault {text!r}: {amount!r} is no whole number from 1")
    return State(fault, int(amount))


def script_of(text: str) -> tuple[Step, ...]:
    """From "0 clear; 5 latency 2000; 20.5 cut": seconds since the start, rising. Raises FaultTextError."""
    steps: list[Step] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        at, _, fault = part.partition(" ")
        try:
            at_s = float(at)
        except ValueError:
            at_s = -1.0
        if not 0 <= at_s < 10**7 or (steps and at_s < steps[-1].at_s):
            raise FaultTextError(f"script step {part!r}: seconds since the start are wanted first, in rising order")
        steps.append(Step(at_s, state_of(fault)))
    if len(steps) > SCRIPT_STEPS_MAX:
        raise FaultTextError(f"script of {len(steps)} steps: at most {SCRIPT_STEPS_MAX}")
    return tuple(steps)
