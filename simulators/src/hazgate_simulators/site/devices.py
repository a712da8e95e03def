"""The list of devices on the page, the wish for another one, and what the change meant.

The site cannot restart the box: it leaves the wish in a file, and whoever runs both (the demo) acts on it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hazgate_simulators.scale.families import FAMILIES, SENDS_UNASKED, Family


class Devices:
    """All devices there are; `want` leaves a wish, of which the last counts."""

    def __init__(self, current: str, wishes: Path, before: str | None = None) -> None:
        """Raises KeyError for a profile there is not."""
        self._current = FAMILIES[current]
        self._wishes = wishes
        self._wanted: str | None = None
        self._choice = [
            {"profile": family.profile, "zh": family.title_zh, "en": family.title}
            for family in sorted(FAMILIES.values(), key=lambda family: family.profile)
        ]
        self._changed = [] if before is None else what_changed(FAMILIES[before], self._current)

    def want(self, profile: str) -> None:
        """Ask for another device. Raises KeyError for a profile there is not, OSError when the wish cannot be left."""
        if FAMILIES[profile] is self._current:
            self._wanted = None
            self._wishes.unlink(missing_ok=True)
            return
        fresh = self._wishes.with_name(f".{self._wishes.name}.{os.getpid()}")
        fresh.write_text(f"{profile}\n", "utf-8")
        fresh.replace(self._wishes)
        self._wanted = profile

    def state(self) -> dict[str, Any]:
        """For the page: the choice, what is being changed to, and what the last change changed."""
        return {
            "current": self._current.profile,
            "wanted": self._wanted,
            "choice": self._choice,
            "changed": [{"zh": zh, "en": en} for zh, en in self._changed],
        }


def what_changed(before: Family, now: Family) -> list[tuple[str, str]]:
    """Sentences in Chinese and English: the device, then only what is different for the box."""
    told = [
        (
            f"已换秤：{before.title_zh} → {now.title_zh}。模拟器和盒子已用 {now.profile} 的配置重新启动。",
            f"Changed from {before.title} to {now.title}: simulator and box were started again with {now.profile}.",
        )
    ]
    unasked = now.traffic in SENDS_UNASKED
    if unasked != (before.traffic in SENDS_UNASKED):
        told.append(
            ("仪表自己发送。", "It sends by itself.")
            if unasked
            else ("盒子发问，仪表回答。", "The box asks, the device answers.")
        )
    if before.says.rest != now.says.rest:
        told.append(
            ("仪表会说重量是否稳定。", "The device says whether the weight is stable.")
            if now.says.rest
            else ("仪表不说是否稳定，由盒子判断。", "The device does not tell rest; the box judges it.")
        )
    if (before.capacity, before.division) != (now.capacity, now.division):
        told.append(
            (
                f"最大秤量 {now.capacity:f} kg，分度 {now.division:f} kg。",
                f"Capacity {now.capacity:f} kg, division {now.division:f} kg.",
            )
        )
    if before.options != now.options:
        words = ", ".join(f"{name} {value}" for name, value in now.options.items())
        told.append((f"盒子的选项：{words or '无'}。", f"Options of the box: {words or 'none'}."))
    return told
