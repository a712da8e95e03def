"""Faults by name, and the wire that applies those which happen to bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What can be wrong; one at a time, settable at any moment."""

    BIT_FLIPS = "bit_flips"
    TORN_WRITES = "torn_writes"
    JOINED = "joined"
    DROPPED_BYTE = "dropped_byte"
    DUPLICATED_FRAME = "duplicated_frame"
    BOOT_NOISE = "boot_noise"
    STUCK = "stuck"
    SILENT = "silent"
    UNSTABLE = "unstable"
    OVERLOAD = "overload"
    UNPLUG = "unplug"
    WRONG_UNIT = "wrong_unit"
    SLOW = "slow"


MEANING: dict[Fault, tuple[str, str]] = {
    Fault.BIT_FLIPS: ("one bit of a third of the frames is flipped", "三分之一的帧有一位翻转"),
    Fault.TORN_WRITES: ("frames arrive in pieces with pauses", "帧被拆成几段、中间有停顿"),
    Fault.JOINED: ("three frames arrive in one read", "三帧粘成一次到达"),
    Fault.DROPPED_BYTE: ("a third of the frames lacks one byte", "三分之一的帧少一个字节"),
    Fault.DUPLICATED_FRAME: ("a third of the frames comes twice", "三分之一的帧重复发送"),
    Fault.BOOT_NOISE: ("power cycle: noise, then a start from zero (once)", "断电重启：先乱码，再从零开始（一次）"),
    Fault.STUCK: ("the same frame for ever, whatever lies there", "无论放什么都重复同一帧"),
    Fault.SILENT: ("the port is open, nothing comes", "端口开着但没有数据"),
    Fault.UNSTABLE: ("the load never comes to rest", "重量一直不稳定"),
    Fault.OVERLOAD: ("more than the capacity lies there", "超过最大秤量"),
    Fault.UNPLUG: ("the adapter is pulled out; clear to plug it in again", "拔掉转接线；清除即重新插上"),
    Fault.WRONG_UNIT: ("somebody switched the indicator to lb", "有人把仪表切换成磅"),
    Fault.SLOW: ("frames or answers come late", "数据或应答很慢"),
}

# A polled device answers one question at a time: three answers never join.
POLL_FAULTS = frozenset(Fault) - {Fault.JOINED}

DAMAGED_PART = 1 / 3
TORN_PAUSE_S = (0.005, 0.06)
SLOW_ANSWER_S = 2.0
SLOW_STREAM_FACTOR = 20
JOINED_FRAMES = 3
BOOT_NOISE_BYTES = 48


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes to send at once, pause_s after the write before."""

    pause_s: float
    octets: bytes


class FaultyWire:
    """Turns a frame into the writes that reach the other side; holds at most JOINED_FRAMES frames."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._fault: Fault | None = None
        self._held: list[bytes] = []
        self._stuck: bytes | None = None

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        self._held.clear()
        self._stuck = None

    def writes(self, frame: bytes) -> list[Write]:
        """What is sent for one frame; nothing for silence or while frames are held back."""
        match self._fault:
            case Fault.SILENT | Fault.UNPLUG:
                return []
            case Fault.STUCK:
                self._stuck = self._stuck or frame
                return [Write(0.0, self._stuck)]
            case Fault.JOINED:
                self._held.append(frame)
                if len(self._held) < JOINED_FRAMES:
                    return []
                joined = b"".join(self._held)
                self._held.clear()
                return [Write(0.0, joined)]
            case Fault.TORN_WRITES:
                return self._torn(frame)
            case Fault.BIT_FLIPS if self._strikes():
                return [Write(0.0, self._flipped(frame))]
            case Fault.DROPPED_BYTE if self._strikes():
                at = self._rng.randrange(len(frame))
                return [Write(0.0, frame[:at] + frame[at + 1 :])]
            case Fault.DUPLICATED_FRAME if self._strikes():
                return [Write(0.0, frame), Write(0.0, frame)]
        return [Write(0.0, frame)]

    def noise(self) -> bytes:
        """What a line carries while the device starts; opens with 00 00 7F 7F as one device log does."""
        return bytes.fromhex("00007F7F") + self._rng.randbytes(BOOT_NOISE_BYTES)

    def _strikes(self) -> bool:
        return self._rng.random() < DAMAGED_PART

    def _flipped(self, frame: bytes) -> bytes:
        # One bit only: two flips in one column pass an XOR check, and no reader could refuse that frame.
        damaged = bytearray(frame)
        damaged[self._rng.randrange(len(frame))] ^= 1 << self._rng.randrange(8)
        return bytes(damaged)

    def _torn(self, frame: bytes) -> list[Write]:
        cuts = sorted(self._rng.sample(range(1, len(frame)), k=min(len(frame) - 1, self._rng.randint(1, 4))))
        edges = [0, *cuts, len(frame)]
        pauses = [0.0] + [self._rng.uniform(*TORN_PAUSE_S) for _ in cuts]
        return [Write(pause, frame[a:b]) for pause, a, b in zip(pauses, edges, edges[1:], strict=False)]
