import pytest

from wfe.expr.errors import ExpressionError
from wfe.expr.patterns import LONGEST_TEXT, check_pattern, search


@pytest.mark.parametrize(
    "pattern",
    [
        r"^v\d+(\.\d+)*$",
        r"(a+b)+",
        r"(?i)main|release-.*",
        r"[()+*]+x",
        r"(\d+)?",
        r"a{2,3}b*",
        r"(?P<major>\d+)\.x",
        r"\((?:[a-z]+,)*\)",
        r"[[:alpha:]]+",
    ],
)
def test_usual_patterns_are_fine(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        pytest.param(r"(a)\1", "without backreferences", id="a-backreference"),
        pytest.param(r"a(?=b)", "without backreferences and lookaround", id="lookaround"),
        pytest.param(r"(", "cannot be used", id="a-parenthesis-without-its-other"),
        pytest.param(r"(a+)+", "repeats a group", id="a-repeated-repetition"),
        pytest.param(r"(a*)*$", "repeats a group", id="stars-of-stars"),
        pytest.param(r"(x|b+)*", "repeats a group", id="in-one-of-its-alternatives"),
        pytest.param(r"((a+))+", "repeats a group", id="through-two-groups"),
        pytest.param(r"(?:\w+){2,}", "repeats a group", id="counted"),
        pytest.param("a" * 1001, "at most 1000 characters", id="too-long"),
        pytest.param(r"((((a{99}){99}){99}){99})", "cannot be used", id="too-large"),
    ],
)
def test_other_patterns_are_refused_with_a_reason(pattern: str, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        check_pattern(pattern)
    assert says in str(raised.value)


def test_a_text_of_64_kib_is_searched_and_a_longer_one_is_not() -> None:
    assert search("b$", "a" * (LONGEST_TEXT - 1) + "b")
    with pytest.raises(ExpressionError, match="at most 65536 bytes"):
        search("b$", "é" * (LONGEST_TEXT // 2) + "b")
