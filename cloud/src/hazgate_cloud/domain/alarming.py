"""Which alarms put the proof itself in doubt, by what happened.

    fork      two records follow one: a copied disk, or one that went back
    gap       records are missing that must be somewhere: a parent that never comes, a box that fell silent
    rollback  box or store stands where it stood before: an older copy was put in its place
    tamper    bytes are not what was hashed and sealed

All other kinds (a refusing core, a push nobody can read) tell of records that wait, not of proof.
"""

from __future__ import annotations

FORK, GAP, ROLLBACK, TAMPER = "fork", "gap", "rollback", "tamper"

FAMILIES = {
    "fork": FORK,
    "gap_need": GAP,
    "box_silent": GAP,
    "push_seq_wrong": GAP,
    "box_rollback": ROLLBACK,
    "store_rollback": ROLLBACK,
    "checkpoint_refused": ROLLBACK,
    "push_seal_wrong": TAMPER,
    "push_box_wrong": TAMPER,
    "push_genesis_wrong": TAMPER,
    "checkpoint_damaged": TAMPER,
    "store_tampered": TAMPER,
}
PROOF_KINDS = frozenset(FAMILIES)


def family(kind: str) -> str:
    """What happened; "" for an alarm that is not about the proof."""
    return FAMILIES.get(kind, "")
