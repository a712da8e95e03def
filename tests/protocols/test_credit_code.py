"""The unified social credit code against the standards' examples and a naive implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazgate_protocols.codes import credit_code
from hazgate_protocols.codes.credit_code import ALPHABET, check_character, findings

characters = st.sampled_from(ALPHABET)
firsts = st.builds(
    lambda a, region, b: a + region + b,
    st.text(characters, min_size=2, max_size=2),
    st.text(st.sampled_from("0123456789"), min_size=6, max_size=6),
    st.text(characters, min_size=9, max_size=9),
)


def brute_force(first: str) -> str:
    """The one character that makes the weighted sum of all 18 a multiple of 31, the check's own weight being 1."""
    powers = [pow(3, i, 31) for i in range(17)]
    fits = [
        char
        for value, char in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")
        if (sum("0123456789ABCDEFGHJKLMNPQRTUWXY".index(c) * p for c, p in zip(first, powers, strict=True)) + value)
        % 31
        == 0
    ]
    assert len(fits) == 1
    return fits[0]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91130200699229617X", "91130606MA0TETT01H"])
def test_the_examples_of_the_standards_are_right(code: str) -> None:
    """GB 32100's own example, HJ 608's, and the synthetic one of the label examples pass."""
    assert findings(code) == []


@given(firsts)
def test_the_check_character_is_the_only_one_that_fits(first: str) -> None:
    """For any 17 characters the code equals the brute-force search, and each other character warns only."""
    expected = brute_force(first)
    assert check_character(first) == expected
    assert findings(first + expected) == []
    for other in set(ALPHABET) - {expected}:
        found = findings(first + other)
        assert [(one.key, one.blocks) for one in found] == [(credit_code.CHECK_CHARACTER, False)]


def test_a_sum_that_is_a_multiple_of_31_has_check_character_zero() -> None:
    """31 - 0 is no 32nd symbol."""
    assert check_character("0" * 17) == "0"
    # 1*1 + 30*1 = 31: position 1 has weight 1, position 16 has weight 30
    assert check_character("1" + "0" * 14 + "10") == "0"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "has 0 characters"),
        ("91350100M000100Y4", "has 17 characters"),
        ("91350100M000100Y433", "has 19 characters"),
        ("91350100m000100Y43", "'m' at position 9"),
        ("9135O100M000100Y43", "'O' at position 5"),
        ("913501A0M000100Y43", "positions 3 to 8"),
        ("９1350100M000100Y43", "'９' at position 1"),
        ("91350100M000100Y43\n", "has 19 characters"),
    ],
)
def test_a_malformed_code_blocks_and_says_where(code: str, says: str) -> None:
    """Length, foreign characters and letters in the region are told apart."""
    (found,) = findings(code)
    assert found.blocks
    assert found.key == credit_code.MALFORMED
    assert says in found.text


@pytest.mark.parametrize("first", ["", "0" * 16, "0" * 18, "I" + "0" * 16])
def test_a_check_character_of_anything_but_17_symbols_is_our_own_misuse(first: str) -> None:
    """Raises instead of giving a character of something else."""
    with pytest.raises(ValueError, match="is not 17 characters"):
        check_character(first)


@given(st.text(max_size=40))
def test_any_text_gets_findings_and_never_an_exception(text: str) -> None:
    """Text from a form or a scanner is judged, whatever it is."""
    assert all(one.text for one in findings(text))
