"""Unified social credit code (GB 32100-2015): 18 characters, the last one a check character.

Position 1 is the registering department, 2 the kind of unit, 3-8 the region, 9-17 the organisation, 18 the check.
"""

from __future__ import annotations

import re

from hazgate_protocols.codes.finding import Finding

CHARS = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # 31 symbols: no I O S V Z
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)  # 3**i mod 31
PATTERN_TEXT = rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}"
PATTERN = re.compile(PATTERN_TEXT)

MALFORMED = "credit_code_malformed"
CHECK_CHARACTER = "credit_code_check_character"


def check_character(first: str) -> str:
    """The check character of the first 17 characters; raises ValueError unless they are 17 of the alphabet."""
    if len(first) != len(WEIGHTS) or not set(first) <= set(ALPHABET):
        raise ValueError(f"{first!r} is not {len(WEIGHTS)} characters of {ALPHABET}")
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(first, WEIGHTS, strict=True))
    return ALPHABET[-total % len(ALPHABET)]  # a remainder of 0 gives "0", not a 32nd symbol


def findings(code: str) -> list[Finding]:
    """Empty for a right code. A wrong check character only warns: some codes issued early fail it."""
    if not PATTERN.fullmatch(code):
        return [Finding(MALFORMED, f"credit code {code!r}: {_malformation(code)}", blocks=True)]
    expected = check_character(code[:-1])
    if code[-1] != expected:
        text = f"credit code {code}: check character is {code[-1]}, {expected} would fit; compare with the licence"
        return [Finding(CHECK_CHARACTER, text, blocks=False)]
    return []


def _malformation(code: str) -> str:
    if len(code) != CHARS:
        return f"has {len(code)} characters, {CHARS} are needed"
    odd = [f"{char!r} at position {at}" for at, char in enumerate(code, 1) if char not in ALPHABET]
    if odd:
        return f"{', '.join(odd)} not allowed; allowed are {ALPHABET}"
    return "positions 3 to 8 (region) must be digits"
