"""One journal record: who, when, with which device and software, what happened, and the device's own bytes.

The canonical bytes of `as_json()` are what is hashed, stored and sent; nothing is ever re-serialised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hazgate_protocols import canonical

VERSION = 1
BODY_BYTES_MAX = 64 * 1024
BOX_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
RID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
KIND_PATTERN = re.compile(r"[a-z][a-z_]{1,30}")

# Kinds this version writes. Receivers keep kinds they do not know.
GENESIS = "genesis"  # first of every chain: suite, public key
BOOT = "boot"  # the agent started: versions, what it found
WEIGHING = "weighing"  # a bag was weighed and numbered
REFUSAL = "refusal"  # a weighing was asked for and refused, with the reason
PRINT = "print"  # what became of a label print job: printed, failed or unknown
REPRINT = "reprint"  # a label was sent to the printer again: copy number and reason
NOTES = "notes"  # what the collector told us: the core's acknowledgements and refusals
LEASE_ASK = "lease_ask"  # the box asks the collector for label numbers: waste, days, how many
CLOCK = "clock"  # the box's clock jumped, or was synchronised: before, after, by how much
MERGE = "merge"  # another branch of this box's chain was fetched back and is counted as part of this one
ALARM = "alarm"  # the box found something wrong with itself: a record, its place, another box of its name
DECISION = "decision"  # a person decided what the box could not: who, why, about what
VEHICLE_WEIGHING = "vehicle_weighing"  # a vehicle was weighed, the first or the second time of its ticket: vehicle.py
CONDITION = "condition"  # a measuring point went beyond its limits, or came back
TELEMETRY_GAP = "telemetry_gap"  # samples that were never taken, thinned out or lost: which points, from when to when

_PARTS = canonical.Remembering(depth=1)
_FIELDS = {"v", "box", "seq", "rid", "kind", "t", "who", "dev", "body", "raw", "evidence"}
_TIME = {"wall", "mono_ns", "boot", "source", "unc_ms"}


class RecordError(ValueError):
    """Bytes that are no record of ours."""


@dataclass(frozen=True, slots=True)
class Record:
    """A decoded record. `t`: wall (RFC 3339 UTC, ms), mono_ns, boot (id), source, unc_ms or null.

    `who`: operator, shift. `dev`: profile, profile_digest, sw, config_digest, and options where the site sets any of
    the profile's. `raw`: the device's bytes in hex, one text a frame. `evidence`: role, digest, size, mime. `body`:
    depends on `kind`.
    """

    box: str
    seq: int
    rid: str
    kind: str
    t: dict[str, Any]
    who: dict[str, Any]
    dev: dict[str, Any]
    body: dict[str, Any]
    raw: tuple[str, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()

    def encode(self) -> bytes:
        """The canonical bytes: identity, storage and wire form in one."""
        return encode_record(
            box=self.box,
            seq=self.seq,
            rid=self.rid,
            kind=self.kind,
            t=self.t,
            who=self.who,
            dev=self.dev,
            body=self.body,
            raw=self.raw,
            evidence=self.evidence,
        )

    @classmethod
    def decode(cls, data: bytes) -> Record:
        """Raises RecordError for anything that is not a canonical record of version 1."""
        if len(data) > BODY_BYTES_MAX:
            raise RecordError(f"{len(data)} bytes, a record has at most {BODY_BYTES_MAX}")
        try:
            value = canonical.decode(data)
        except canonical.NotCanonicalError as exc:
            raise RecordError(str(exc)) from exc
        if not isinstance(value, dict) or not value.keys() >= _FIELDS:
            missing = sorted(_FIELDS - value.keys()) if isinstance(value, dict) else "everything"
            raise RecordError(f"fields missing: {missing}")
        if type(value["v"]) is not int or value["v"] != VERSION:  # true == 1 in Python
            raise RecordError(f"version {value['v']!r}, this is version {VERSION}")
        for name, pattern in (("box", BOX_PATTERN), ("rid", RID_PATTERN), ("kind", KIND_PATTERN)):
            if not isinstance(value[name], str) or not pattern.fullmatch(value[name]):
                raise RecordError(f"{name} {value[name]!r} does not match {pattern.pattern}")
        if type(value["seq"]) is not int or value["seq"] < 1:
            raise RecordError(f"seq {value['seq']!r} is not a whole number from 1")
        for name in ("t", "who", "dev", "body"):
            if not isinstance(value[name], dict):
                raise RecordError(f"{name} is not an object")
        if not value["t"].keys() >= _TIME:
            raise RecordError(f"t lacks {sorted(_TIME - value['t'].keys())}")
        for name, kind in (("raw", str), ("evidence", dict)):
            if not isinstance(value[name], list) or not all(isinstance(item, kind) for item in value[name]):
                raise RecordError(f"{name} is not a list of {kind.__name__}")
        return cls(
            box=value["box"],
            seq=value["seq"],
            rid=value["rid"],
            kind=value["kind"],
            t=value["t"],
            who=value["who"],
            dev=value["dev"],
            body=value["body"],
            raw=tuple(value["raw"]),
            evidence=tuple(value["evidence"]),
        )


def encode_record(
    *,
    box: str,
    seq: int,
    rid: str,
    kind: str,
    t: dict[str, Any],
    who: dict[str, Any],
    dev: dict[str, Any],
    body: dict[str, Any] | canonical.Text,
    raw: tuple[str, ...] = (),
    evidence: tuple[dict[str, Any], ...] = (),
) -> bytes:
    """The canonical bytes of a record of these fields; raises RecordError for too many, NotCanonicalError."""
    # Written in the order of the keys, since sorting and encoding all of it anew is most of a weighing's cost.
    text, quote, same = canonical.text, canonical.quote, _PARTS.text
    data = canonical.utf8(
        f'{{"body":{text(body, 1)},"box":{quote(box)},"dev":{same(dev)}'
        f',"evidence":[{",".join([text(item, 2) for item in evidence])}],"kind":{quote(kind)}'
        f',"raw":[{",".join([quote(item) for item in raw])}],"rid":{quote(rid)}'
        f',"seq":{text(seq, 1)},"t":{_time_text(t)},"v":{VERSION},"who":{same(who)}}}'
    )
    if len(data) > BODY_BYTES_MAX:
        raise RecordError(f"record {rid}: {len(data)} bytes, at most {BODY_BYTES_MAX} are allowed")
    return data


def _time_text(t: dict[str, Any]) -> str:
    text = canonical.text
    if t.keys() != _TIME:  # keys of a later version
        return text(t, 1)
    return (
        f'{{"boot":{text(t["boot"], 2)},"mono_ns":{text(t["mono_ns"], 2)},"source":{text(t["source"], 2)}'
        f',"unc_ms":{"null" if t["unc_ms"] is None else text(t["unc_ms"], 2)},"wall":{text(t["wall"], 2)}}}'
    )
