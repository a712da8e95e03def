"""Evidence files (docs/wire/evidence.md): what the store holds about one bag, gathered and sealed for an auditor.

Deliberately not here: checking them. That is hazgate-verify in protocols, which needs no collector.
"""
