"""The box's journal: a record's canonical body, the hash chain through it, and the seals on its heads.

Deliberately not here: where the chain is kept (edge journal, cloud store) and how it travels (uplink).
"""
