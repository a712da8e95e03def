"""A configured scanner with its profile, and what does not fit together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hazgate_edge.config import Config, KeyboardLink, Scanner
from hazgate_profiles import scanners
from hazgate_profiles.registry import ProfileError, UnknownProfileError
from hazgate_protocols.scan.spec import KeyTraffic, SerialTraffic, Suffix


def traffic_of(scanner: Scanner) -> SerialTraffic | KeyTraffic:
    """How it talks: the profile's word with the configured suffix. Raises hazgate_profiles.registry.ProfileError."""
    traffic = scanners.load(scanner.profile).traffic
    if isinstance(traffic, SerialTraffic) and scanner.suffix is not None:
        return dataclasses.replace(traffic, suffix=Suffix(scanner.suffix))
    return traffic


def scanner_mistakes(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Place in the file, and what is wrong there."""
    for index, scanner in enumerate(config.scanners):
        place = ("scanners", index)
        try:
            traffic = scanners.load(scanner.profile).traffic
        except UnknownProfileError:
            known = ", ".join(scanners.available())
            yield (*place, "profile"), f"{scanner.profile!r} is no scanner profile; known: {known}"
            continue
        except ProfileError as exc:
            yield (*place, "profile"), str(exc)
            continue
        by_keys = isinstance(traffic, KeyTraffic)
        if by_keys != isinstance(scanner.link, KeyboardLink):
            allowed = "keyboard" if by_keys else "serial, tcp"
            what = f"{scanner.link.kind} does not fit profile {scanner.profile}; allowed: {allowed}"
            yield (*place, "link", "kind"), what
        if by_keys and scanner.suffix is not None:
            yield (*place, "suffix"), f"profile {scanner.profile} is ended by keys; leave suffix out"
