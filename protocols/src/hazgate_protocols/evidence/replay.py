"""Raw device bytes through the profile again: does the scale's own wire give the weight that was recorded?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hazgate_protocols.journal.bodies import STABLE_BY_DEVICE, WeighingBody
from hazgate_protocols.mass import Mass
from hazgate_protocols.scale.decoder import Decoder
from hazgate_protocols.scale.reading import Reading, Status
from hazgate_protocols.scale.registers import RegisterMap
from hazgate_protocols.scale.spec import Profile, Value

FRAMES_MAX = 1_000


class ReplayError(ValueError):
    """The bytes do not give the recorded weight; the text says which frame and what it gives."""


def read_frames(frames: Sequence[str], profile: Profile, options: Mapping[str, Value]) -> list[Reading]:
    """The reading of each frame (hex). Raises ReplayError for a frame that is not exactly one reading, and OptionError
    for settings the profile does not allow or lacks. Register profiles record the registers' bytes."""
    if len(frames) > FRAMES_MAX:
        raise ReplayError(f"{len(frames)} frames; a weighing has at most {FRAMES_MAX}")
    registers = RegisterMap(profile, options) if profile.registers is not None else None
    decoder = Decoder(profile, options)
    readings = []
    for number, text in enumerate(frames, 1):
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raise ReplayError(f"frame {number} is not hex") from None
        if raw.hex() != text:
            raise ReplayError(f"frame {number} is not lower-case hex")
        if registers is not None:
            events: list[Any] = [registers.decode_payload(raw, raw)]
        else:
            decoder.reset()
            events = decoder.feed(raw)
        if len(events) != 1 or not isinstance(events[0], Reading) or decoder.unread:
            raise ReplayError(f"frame {number} ({text[:60]}) is not one reading of profile {profile.id}")
        readings.append(events[0])
    return readings


def require_same_weight(readings: Sequence[Reading], body: WeighingBody) -> None:
    """Raises ReplayError unless the last reading is the recorded weight and none before it says motion or trouble."""
    for number, reading in enumerate(readings, 1):
        if reading.status is not Status.OK or reading.weight is None or reading.stable is False:
            raise ReplayError(f"frame {number} says {reading.status}, stable {reading.stable}: no weight to be booked")
        if body.stable_by == STABLE_BY_DEVICE and reading.stable is not True:
            raise ReplayError(f"frame {number} does not say stable, and the record says the indicator did")
    last = readings[-1]
    found = {
        "weight": f"{last.weight:f}",
        "unit": last.unit,
        "mode": last.mode.value if last.mode else "",
        "tare in mg": _mg(last.tare, last.unit),
    }
    told = {"weight": body.weight_text, "unit": body.weight_unit, "mode": body.mode, "tare in mg": body.tare_mg}
    for what, value in told.items():
        if found[what] != value:
            raise ReplayError(f"{what}: the last frame gives {found[what]!r}, the record says {value!r}")


def _mg(number: Decimal | None, unit: str | None) -> int | None:
    return None if number is None else Mass.of(number, unit or "").mg
