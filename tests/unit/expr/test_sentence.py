"""Conditions in words."""

import pytest

from wfe.expr.condition import All, AnyOf, Compare, Condition, NoneOf, Not, OneOf
from wfe.expr.sentence import sentence

A, B = Compare("a", "equals", True), Compare(".b.0", "matches", "^x")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(A, ".a equals true", id="a-comparison"),
        pytest.param(Compare("a", "not_equals", [1]), ".a not equals [1]", id="of-two-words"),
        pytest.param(Compare("a", "is_null"), ".a is null", id="without-a-value"),
        pytest.param(All((A, B)), '.a equals true and .b.0 matches "^x"', id="all"),
        pytest.param(
            AnyOf((A, All((B, B)))), '.a equals true or (.b.0 matches "^x" and .b.0 matches "^x")', id="any"
        ),
        pytest.param(NoneOf((A, B)), 'none of (.a equals true, .b.0 matches "^x")', id="none"),
        pytest.param(OneOf((A,)), "exactly one of (.a equals true)", id="one"),
        pytest.param(Not(A), "not (.a equals true)", id="not"),
    ],
)
def test_a_condition_in_words(condition: Condition, expected: str) -> None:
    assert sentence(condition) == expected
