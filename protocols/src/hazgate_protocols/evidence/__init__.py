"""Evidence: one file that lets a stranger check a bag's whole way offline. Format: docs/wire/evidence.md.

    bundle.py    the file: lines and bytes, and which line was damaged
    replay.py    raw device bytes through the profile again
    checks.py    what the lines prove, in words, and what they cannot: file, chain, seals, receipt
    trust.py     whose keys they are: certificates, and what the checker knows from elsewhere
    held.py      since when the collector holds it: the checkpoint
    content.py   what the records say; pictures.py: the label's
    extract.py   pictures and certificates as files
    command.py   hazgate-verify

Deliberately not here: where the lines come from (cloud), files, networks.
"""
