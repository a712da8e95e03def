"""What an evidence file proves: its seals and its chain here, what its records say in content.py."""

from __future__ import annotations

from dataclasses import dataclass

from hazgate_protocols.certificate import Certificate
from hazgate_protocols.evidence import content, held, trust
from hazgate_protocols.evidence.bundle import BUNDLE, END, RECEIPT, RECORD, SEAL, STEPS, SUITE, Bundle, Part
from hazgate_protocols.evidence.content import Shown
from hazgate_protocols.evidence.report import Report
from hazgate_protocols.evidence.trust import Word
from hazgate_protocols.journal.chain import ROOT, body_hash, link, link_hash
from hazgate_protocols.journal.record import GENESIS, Record, RecordError
from hazgate_protocols.journal.seal import chain_seal_holds, evidence_seal_holds, receipt_seal_holds
from hazgate_protocols.journal.suite import DEFAULT, Suite, suite_named, suite_of_key
from hazgate_protocols.uplink import Have, MalformedError, decode_answer, encode_have


@dataclass(frozen=True, slots=True)
class _Chain:
    """The path from the first record: the hash at each place, and the records that are shown."""

    places: tuple[bytes, ...]
    shown: tuple[Shown, ...]
    suite: Suite

    @property
    def head(self) -> bytes:
        return self.places[-1] if self.places else ROOT

    @property
    def length(self) -> int:
        return len(self.places)


def check(
    bundle: Bundle,
    *,
    collector_key: bytes | None = None,
    box_key: bytes | None = None,
    root: Certificate | None = None,
    checkpoint: bytes | None = None,
) -> Report:
    """Every check of docs/wire/evidence.md. What is given is what somebody vouches for: keys, the devices' root
    certificate, the bytes of a checkpoint that was kept elsewhere."""
    report = Report()
    collector = _check_file_seal(bundle, report)
    chain = _check_chain(bundle, report)
    box, word = None, Word.NOBODY
    own = None
    if chain is not None:
        own = next((item for item in chain.shown if item.hash.hex() == bundle.parts[0]["record"]), None)
        box = _check_box_seal(bundle, chain, report)
        received_at = _check_receipt(bundle, chain, report)
        if box is not None:
            weighed_at = str(own.record.t["wall"]) if own is not None else ""
            word = trust.check(bundle, trust.Keys(collector, box, received_at, weighed_at), root, report)
    _say_whose("collector", (collector, collector_key), _required(bundle, END), word, report)
    if chain is not None and box is not None:
        _say_whose("box", (box, box_key), chain.shown[0].part, word, report)
    given = collector_key is not None and box_key is not None
    if word is Word.FILE and not given:
        report.open(
            "Whose root that is, and so whose keys: it was taken from this file itself. Compare its fingerprint with "
            "what `hazgate-cloud root` prints at the collector, or give --root."
        )
    report.keys_known = given or word is Word.KNOWN
    if chain is not None and own is not None:
        held.check(bundle, held.Way(chain.places, own.record.seq, chain.suite), collector, checkpoint, report)
    if chain is not None:
        content.check(bundle, chain.shown, report)
        _say_what_is_hidden(bundle, chain, report)
    report.open(
        "Who stood at the scale: the record names the operator as the terminal was told; nothing here identifies a "
        "person."
    )
    report.open(
        "Whether the bytes on the scale's wire came from an honest scale with this bag on it: "
        "they prove what the box received, not what was weighed."
    )
    report.open("When it was weighed: the record carries the box's own clock; only the order in the chain is proved.")
    return report


def _check_file_seal(bundle: Bundle, report: Report) -> bytes:
    """The collector's key."""
    end = _required(bundle, END)
    key = bytes.fromhex(end["collector"])
    if evidence_seal_holds(key, bundle.digest, bytes.fromhex(end["seal"])):
        report.proved(f"All {end.line} lines are, byte for byte, what the collector with the key {key.hex()} sealed.")
    else:
        report.failed(
            f"the seal over the file is not of the key {key.hex()}: the file was made or changed by someone else", end
        )
    return key


def _say_whose(whose: str, keys: tuple[bytes, bytes | None], part: Part, word: Word, report: Report) -> None:
    """keys: the one in the file, and the one that was given."""
    key, given = keys
    if given is not None and given != key:
        report.failed(f"the {whose}'s key is {key.hex()}, not the {whose}'s key you gave ({given.hex()})", part)
    elif given is not None:
        report.proved(f"The {whose}'s key is the one you gave.")
    elif word is Word.NOBODY:
        command = {"collector": "hazgate-cloud identity", "box": "hazgate-edge identity"}[whose]
        report.open(
            f"Whose key the {whose}'s key {key.hex()} is: it was taken from this file itself. Compare it with what "
            f"`{command}` prints at the {whose}, or give --{whose}-key."
        )


def _check_chain(bundle: Bundle, report: Report) -> _Chain | None:
    box = _required(bundle, BUNDLE)["box"]
    at, places, suite = ROOT, list[bytes](), _suite_in(bundle)
    shown: list[Shown] = []
    for part in bundle.of(RECORD, STEPS):
        if part["seq"] != len(places) + 1:
            report.failed(f"it begins at place {part['seq']} of the chain, and must at {len(places) + 1}", part)
            return None
        if part.name == STEPS:
            for step in part["hashes"]:
                at = link_hash(at, bytes.fromhex(step), suite)
                places.append(at)
            continue
        body = _exact_bytes(part["bytes"])
        parent, at = at, link(at, body, suite)
        places.append(at)
        try:
            record = Record.decode(body)
        except RecordError as exc:
            report.failed(f"its bytes are no record: {exc}", part)
            return None
        if at.hex() != part["hash"]:
            report.failed(
                f"with all before it, it hashes to {at.hex()} and not to {part['hash']}: "
                "it or a line above was altered",
                part,
            )
            return None
        if (record.box, record.seq) != (box, len(places)):
            report.failed(
                f"is record {record.seq} of box {record.box}, in a chain of {box} at place {len(places)}", part
            )
            return None
        shown.append(Shown(part, at, parent, body_hash(body, suite), record))
    return _Chain(tuple(places), tuple(shown), suite)


def _suite_in(bundle: Bundle) -> Suite:
    """The suite that the first record names; whether it names one at all is found when its key is looked at."""
    first = bundle.one(RECORD)
    try:
        named = suite_named(Record.decode(_exact_bytes(first["bytes"])).body.get("suite")) if first else None
    except RecordError:
        named = None
    return named or DEFAULT


def _check_box_seal(bundle: Bundle, chain: _Chain, report: Report) -> bytes | None:
    """The box's key, None when the file does not show it."""
    seal = _required(bundle, SEAL)
    name = _required(bundle, BUNDLE)["box"]
    if (seal["hash"], seal["seq"]) != (chain.head.hex(), chain.length):
        report.failed(
            f"the box sealed {seal['hash']} at place {seal['seq']}; the records above lead to {chain.head.hex()} at "
            f"place {chain.length}: a record or a step of the chain was altered, inserted or removed",
            seal,
        )
        return None
    first = chain.shown[0] if chain.shown else None
    if first is None or first.record.kind != GENESIS or first.record.seq != 1:
        report.failed("the box's first record, which names its key, is not shown", seal)
        return None
    key = _key(first.record.body.get("public_key"))
    if key is None or first.record.body.get("suite") != chain.suite.name or suite_of_key(key) is not chain.suite:
        report.failed(f"the first record names no key of the suite {chain.suite.name}", first.part)
        return None
    report.proved(
        f"The {len(chain.shown)} records shown stand in one unbroken chain of box {name}, from its first record to "
        f"record {chain.length}, in the suite {chain.suite.name}."
    )
    if chain_seal_holds(key, name, chain.head, bytes.fromhex(seal["seal"])):
        report.proved(
            f"The box sealed record {chain.length}, and so everything before it, with the key {key.hex()} that its "
            "first record names."
        )
    else:
        report.failed(f"the seal over record {chain.length} is not of the box's key {key.hex()}", seal)
    return key


def _check_receipt(bundle: Bundle, chain: _Chain, report: Report) -> str:
    """When the collector received the sealed record, by its own clock; "" when no receipt shows it."""
    part = _required(bundle, RECEIPT)
    key = _receipt_key(bundle, chain.suite, report)
    if key is None:
        return ""
    data = _exact_bytes(part["have"])
    try:
        have = decode_answer(data)
    except MalformedError as exc:
        report.failed(f"it is no receipt: {exc}", part)
        return ""
    if not isinstance(have, Have) or encode_have(have) != data:
        report.failed("it is no receipt in canonical form", part)
    elif not receipt_seal_holds(key, have.signed_bytes(), have.seal):
        report.failed(f"the receipt's seal is not of the collector's key {key.hex()}", part)
    elif (have.hash, have.seq) != (chain.head, chain.length):
        report.failed(f"the receipt is for record {have.seq} ({have.hash.hex()}), not for the sealed one", part)
    else:
        report.proved(
            f"The same collector confirms by a receipt that it holds record {chain.length} and all before it, "
            f"by its own clock since {have.stored_at}."
        )
        return have.stored_at
    return ""


def _receipt_key(bundle: Bundle, suite: Suite, report: Report) -> bytes | None:
    """The key the receipt must be sealed with: the file's own, or the one the file names for the box's suite."""
    end, named = _required(bundle, END), bundle.one(SUITE)
    file_key = bytes.fromhex(end["collector"])
    if suite is suite_of_key(file_key):
        if named is None:
            return file_key
        report.failed("it names a second key, and the box is of the same suite as the file", named)
        return None
    if named is None:
        report.failed(f"the box is of suite {suite.name}, and the file names no key of it for the receipt", end)
        return None
    key = bytes.fromhex(named["collector"])
    if named["suite"] != suite.name or suite_of_key(key) is not suite:
        report.failed(f"it names no key of the box's suite {suite.name}", named)
        return None
    report.proved(f"The collector that sealed the file names {key.hex()} as its key for boxes of suite {suite.name}.")
    return key


def _say_what_is_hidden(bundle: Bundle, chain: _Chain, report: Report) -> None:
    hidden = chain.length - len(chain.shown)
    if hidden:
        report.open(
            f"What the {hidden} records say of which only the hash is shown: one of them may speak of this bag too; "
            "the collector says that none does. So may records written after the sealed one."
        )
    branches = _required(bundle, RECEIPT)["branches"]
    if branches != 1:
        report.open(
            f"Why the collector holds {branches} branches of this box's chain: its disk was copied or went back once. "
            "Only one branch is shown here."
        )


def _required(bundle: Bundle, name: str) -> Part:
    part = bundle.one(name)
    if part is None:
        raise AssertionError(f"decode_bundle() lets no file without {name} pass")
    return part


def _exact_bytes(text: str) -> bytes:
    return text.encode()


def _key(text: object) -> bytes | None:
    try:
        key = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return key if suite_of_key(key) is not None and key.hex() == text else None
