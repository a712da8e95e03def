"""What to send to a device: the profile's command with the site's address and the checksum over it."""

from __future__ import annotations

from typing import Literal

from hazgate_protocols.scale.checks import CHECKS, WIDTHS
from hazgate_protocols.scale.options import Options
from hazgate_protocols.scale.spec import Profile


def request_bytes(profile: Profile, name: Literal["zero", "tare", "read"], options: Options) -> bytes:
    """The first bytes of a command; raises KeyError when the profile has none of this name."""
    command = profile.commands[name]
    request = bytearray.fromhex(command.tx)
    if command.address_at is not None and options.address is not None:
        request[command.address_at] = ord(options.address)
    if command.check is not None:
        at, (start, stop) = command.check.at, command.check.over
        request[at : at + WIDTHS[command.check.algo]] = CHECKS[command.check.algo](bytes(request[start:stop]))
    return bytes(request)
