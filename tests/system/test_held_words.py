"""The terminal has a sentence for everything for which the collector holds a weighing back."""

from __future__ import annotations

from hazgate_cloud.api.sentences import FLAGS
from hazgate_cloud.store.held import REJECTED_CODE
from hazgate_edge.terminal.catalogue import HELD, HELD_BY_CODE


def test_every_code_of_the_collector_has_a_sentence_at_the_terminal() -> None:
    """The two sides share no table (they are built apart): a code that one of them lacks is found here."""
    assert HELD_BY_CODE.keys() == FLAGS.keys() | {REJECTED_CODE}
    assert set(HELD_BY_CODE.values()) == HELD.keys()
