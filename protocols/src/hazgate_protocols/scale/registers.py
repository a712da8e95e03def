"""Modbus registers to readings, whoever fetched them: RTU bytes through the decoder, or words from a client library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from hazgate_protocols.scale.checks import crc16_modbus
from hazgate_protocols.scale.fields import compile_variants
from hazgate_protocols.scale.options import OptionError, Options, resolve_options
from hazgate_protocols.scale.reading import Reading, Reason, Reject, Status
from hazgate_protocols.scale.spec import Profile, Registers, Value


class RegisterMap:
    """The meaning of one answer: status and weight of one moment, read with one request.

    Raises OptionError for settings the profile does not allow or that are missing, ValueError for a profile whose
    frames are not registers.
    """

    def __init__(self, profile: Profile, options: Mapping[str, Value] | None = None) -> None:
        if profile.registers is None:
            raise ValueError(f"profile {profile.id}: its frames are no registers")
        self.registers: Registers = profile.registers
        self.options: Options = resolve_options(profile, options)
        if self.options.unit_id is None:
            raise OptionError(f"profile {profile.id}: a register profile offers the option unit_id")
        self.unit_id: int = self.options.unit_id
        self._commands = profile.commands
        self._meaning = compile_variants(self.registers.variants, (), self.options)

    def decode(self, words: Sequence[int], raw: bytes | None = None) -> Reading | Reject:
        """The reading of the registers as they were read. raw: evidence, by default the registers' bytes.

        A wrong number of words is a reject; a word outside 0 to 65535 is our own misuse and raises ValueError.
        """
        if not all(0 <= word <= 0xFFFF for word in words):
            raise ValueError(f"words {list(words)}: a register holds 0 to 65535")
        payload = b"".join([word.to_bytes(2, "big") for word in words])
        return self.decode_payload(payload, payload if raw is None else raw)

    def decode_payload(self, payload: bytes, raw: bytes) -> Reading | Reject:
        """The reading of the registers' bytes, high byte first."""
        if len(payload) != 2 * self.registers.count:
            return Reject(Reason.FRAMING, raw, f"{len(payload)} bytes for {self.registers.count} registers")
        return self._meaning(payload, raw)

    def exception(self, code: int, raw: bytes = b"") -> Reading:
        """The device answered with a Modbus exception: a status, never a weight."""
        return Reading(None, None, None, None, self.registers.exceptions.get(code, Status.ERROR), raw=raw)

    def request(self) -> bytes:
        """The request as Modbus RTU bytes."""
        body = bytes([self.unit_id, self.registers.function])
        body += self.registers.address.to_bytes(2, "big") + self.registers.count.to_bytes(2, "big")
        return body + crc16_modbus(body)

    def command(self, name: Literal["zero", "tare"]) -> tuple[bytes, bytes]:
        """A write and the one answer that means it was taken, both as Modbus RTU bytes.

        Raises ValueError for a command the profile does not have.
        """
        if name not in self._commands:
            raise ValueError(f"command {name!r}: this profile has {', '.join(sorted(self._commands)) or 'none'}")
        command = self._commands[name]
        sent, answer = (bytes([self.unit_id]) + bytes.fromhex(text) for text in (command.tx, *command.acks))
        return sent + crc16_modbus(sent), answer + crc16_modbus(answer)
