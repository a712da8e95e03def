"""The journal against a plain model, under any order of presses, labels, notes, receipts, refusals and crashes.

The model holds what callers were told. Whatever happens, the journal says the same, its chain is whole, and what was
rolled back has left nothing behind. HAZGATE_SOAK=1 runs many more examples.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from edge.makers import BOX, DAY, DEV, UNIT, WHO, StandingClock, weighing
from hazgate_edge.domain.view import PrintState
from hazgate_edge.journal.store import Journal, NumbersUsedUpError
from hazgate_protocols.journal.chain import ROOT, link
from hazgate_protocols.journal.record import NOTES, PRINT, REPRINT, WEIGHING, Record
from hazgate_protocols.journal.seal import Signer, chain_seal_holds
from hazgate_protocols.uplink.messages import Note
from storage.depth import SOAK

KEY = Signer.from_secret(bytes(range(32)))
WASTES = ("900-214-08", "900-041-49")
LAST = 6  # numbers a waste, so that running out is part of the game
picks = st.integers(0, 1 << 16)


class CutOffError(Exception):
    """The transaction ends here: a rule refused, or the power went before the commit."""


@dataclass
class Told:
    """One bag as its callers know it."""

    rid: str
    label: str
    jobs: dict[int, PrintState] = field(default_factory=dict)  # by copy; empty: the original waits
    core: str = ""


class JournalMachine(RuleBasedStateMachine):
    """One journal, opened again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="journal-machine-"))
        self.clock = StandingClock()
        self.presses: dict[str, Told] = {}
        self.used: dict[str, int] = dict.fromkeys(WASTES, 0)
        self.records: list[str] = []  # kinds, in order
        self.notes = 0
        self.received = 0
        self.open()
        self.journal.write_now(lambda: self.journal.do_found(unit_code=UNIT, dev=DEV))
        self.records.append("genesis")

    def open(self) -> None:
        path = self.folder / "journal.sqlite3"
        self.journal = Journal(path, box=BOX, signer=KEY, clock=self.clock)

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.folder)

    def bag(self, which: int) -> Told:
        return list(self.presses.values())[which % len(self.presses)]

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(waste=st.sampled_from(WASTES))
    def press(self, waste: str) -> None:
        request = f"press-{len(self.records)}"
        new = weighing(request, waste=waste, last=LAST)
        try:
            rid, label = self.journal.write_now(lambda: self.journal.do_weigh(new))
        except NumbersUsedUpError:
            assert self.used[waste] == LAST, "refused while there are numbers left"
            return
        self.used[waste] += 1
        assert label.endswith(f"{self.used[waste]:03d}")
        self.presses[request] = Told(rid, label)
        self.records.append(WEIGHING)

    @precondition(lambda self: self.presses)
    @rule(which=picks, waste=st.sampled_from(WASTES))
    def press_again(self, which: int, waste: str) -> None:
        """The same press, even with another waste under it, is the bag that is there."""
        request = list(self.presses)[which % len(self.presses)]
        again = self.journal.write_now(lambda: self.journal.do_weigh(weighing(request, waste=waste, last=LAST)))
        assert again == (self.presses[request].rid, self.presses[request].label)

    @rule(waste=st.sampled_from(WASTES))
    def press_cut_off(self, waste: str) -> None:
        """The transaction breaks after the weighing was written: no record, and the number is free as before."""
        new = weighing("cut off", waste=waste, last=LAST)

        def cut_off() -> None:
            self.journal.do_weigh(new)
            raise CutOffError

        try:
            self.journal.write_now(cut_off)
        except (CutOffError, NumbersUsedUpError):
            return
        raise AssertionError("a transaction that broke was told as done")

    @precondition(lambda self: self.journal.open_jobs())
    @rule(which=picks, end=st.sampled_from([PrintState.PRINTED, PrintState.FAILED, PrintState.UNKNOWN]))
    def print_label(self, which: int, end: PrintState) -> None:
        jobs = self.journal.open_jobs()
        job = jobs[which % len(jobs)]
        self.journal.write_now(lambda: self.journal.do_set_job(job, PrintState.PRINTING, None))
        self.journal.write_now(
            lambda: self.journal.do_settle_job(job, end, None, by="printer", detail="", who=WHO, dev=DEV)
        )
        next(bag for bag in self.presses.values() if bag.rid == job.rid).jobs[job.copy] = end
        self.records.append(PRINT)

    @precondition(lambda self: any(bag.jobs for bag in self.presses.values()))
    @rule(which=picks)
    def reprint(self, which: int) -> None:
        tried = [bag for bag in self.presses.values() if bag.jobs]
        bag = tried[which % len(tried)]
        copy = self.journal.write_now(lambda: self.journal.do_reprint(bag.rid, "damaged", who=WHO, dev=DEV))
        self.journal.reopen_jobs()
        assert copy == max(bag.jobs) + 1, "a copy number was given twice or skipped"
        bag.jobs[copy] = PrintState.QUEUED
        self.records.append(REPRINT)

    @precondition(lambda self: self.presses)
    @rule(which=picks, what=st.sampled_from(["accepted", "refused", "flagged", "lease"]), skipped=st.integers(0, 2))
    def note(self, which: int, what: str, skipped: int) -> None:
        """Notes come in order; one beyond the next counts only as part of a complete answer; old ones do nothing."""
        bag = self.bag(which)
        seq = self.seq_of(bag)
        said = Note(self.notes + 1 + skipped, self.journal.hash_at(seq), what, "2026-11-23T02:00:01.000Z")
        for complete in (False, True):
            upto = self.journal.write_now(
                lambda complete=complete: self.journal.do_notes((said,), {}, complete=complete, dev=DEV)  # type: ignore[misc]
            )
            if complete or not skipped:
                assert upto == said.n
            else:
                assert upto == self.notes, "a note was taken over a gap"
        self.notes = said.n
        bag.core = bag.core if what == "lease" else what
        self.records.append(NOTES)

    @rule(which=picks)
    def receipt(self, which: int) -> None:
        seq = which % (len(self.records) + 1)
        self.journal.write_now(lambda: self.journal.do_receipt(seq, "2026-11-23T02:00:01.000Z"))
        self.received = max(self.received, seq)

    @rule()
    def crash(self) -> None:
        """The program ends and starts again."""
        self.journal.close()
        self.open()

    @rule(milliseconds=st.integers(0, 10_000))
    def time_passes(self, milliseconds: int) -> None:
        self.clock.pass_ms(milliseconds)

    # -- what always holds ---------------------------------------------------------------------------------------------

    def seq_of(self, bag: Told) -> int:
        found = self.journal.bag(rid=bag.rid)
        assert found is not None, "a bag that was told as saved is gone"
        return found.seq

    @invariant()
    def the_list_is_what_was_told(self) -> None:
        listed = {bag.rid: bag for bag in self.journal.bags(DAY.isoformat(), 1000)}
        assert set(listed) == {bag.rid for bag in self.presses.values()}
        for told in self.presses.values():
            found = listed[told.rid]
            newest = max(told.jobs, default=0)
            state = told.jobs.get(newest, PrintState.QUEUED)
            assert (found.label, found.print_state, found.copies, found.core) == (
                told.label,
                state,
                newest,
                told.core,
            )

    @invariant()
    def what_waits_is_counted(self) -> None:
        bags = list(self.presses.values())
        jobs = [state for bag in bags for state in bag.jobs.values()]
        assert self.journal.awaits_core() == any(bag.core == "" for bag in bags)
        assert self.journal.refused() == sum(bag.core in ("refused", "flagged") for bag in bags)
        assert self.journal.unanswered() == jobs.count(PrintState.UNKNOWN)
        assert self.journal.sync_state().received_seq == self.received
        assert self.journal.sync_state().notes_upto == self.notes

    @invariant()
    def the_chain_is_whole(self) -> None:
        prev, kinds = ROOT, []
        for expected, (seq, digest, parent, body, seal) in enumerate(self.journal.chain(), 1):
            record = Record.decode(body)
            assert (seq, record.seq, parent, digest) == (expected, expected, prev, link(prev, body))
            assert seal is None or chain_seal_holds(KEY.public(), BOX, digest, seal)
            kinds.append(record.kind)
            prev = digest
        assert kinds == self.records
        assert self.journal.head_seq == len(self.records)


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(
    max_examples=1000 if SOAK else 60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def _number_kept_after_rollback(patch: pytest.MonkeyPatch) -> None:
    """What the writer remembers is not read anew when a transaction broke."""
    load = Journal._load_head

    def once(self: Journal) -> None:
        if self._seq == 0:
            load(self)

    patch.setattr(Journal, "_load_head", once)


def _note_taken_over_a_gap(patch: pytest.MonkeyPatch) -> None:
    do_notes = Journal.do_notes

    def hasty(self: Journal, *given: object, complete: bool, dev: dict[str, object]) -> int:
        return do_notes(self, *given, complete=True, dev=dev)  # type: ignore[arg-type]

    patch.setattr(Journal, "do_notes", hasty)


def _receipt_goes_back(patch: pytest.MonkeyPatch) -> None:
    def set_it(self: Journal, seq: int, stored_at: str) -> None:
        self._db.execute("UPDATE sync SET received_seq = ?, received_at = ?", (seq, stored_at))

    patch.setattr(Journal, "do_receipt", set_it)


@pytest.mark.parametrize(
    "plant",
    [_number_kept_after_rollback, _note_taken_over_a_gap, _receipt_goes_back],
    ids=lambda plant: plant.__name__.strip("_"),
)
def test_a_planted_mistake_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine is no decoration."""
    plant(monkeypatch)
    quick = settings(TestJournalMachine.settings, max_examples=60, phases=(Phase.generate,), print_blob=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(JournalMachine, settings=quick)
