import pytest

from tests.unit.expr.seen import Seen
from wfe.expr.condition import All, AnyOf, Compare, Condition, NoneOf, Not, OneOf, evaluate, fields
from wfe.expr.errors import ExpressionError
from wfe.model.json import Json

SEEN = Seen(
    data={
        "n": 5,
        "f": 5.0,
        "yes": True,
        "text": "hello world",
        "list": [1, "two", {"x": 3}],
        "nothing": None,
        "big": 2**64,
        "map": {"a": 1},
        "limit": 4,
    }
)
TRUE = Compare("n", "equals", 5)
FALSE = Compare("n", "equals", 6)
MISSING = Compare("gone", "equals", 1)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(Compare(".n", "equals", 5.0), True, id="5-equals-5.0"),
        pytest.param(Compare(".f", "equals", 5), True, id="5.0-equals-5"),
        pytest.param(Compare(".yes", "equals", 1), False, id="true-is-not-1"),
        pytest.param(Compare(".yes", "equals", True), True, id="true-is-true"),
        pytest.param(Compare(".n", "equals", "5"), False, id="a-number-is-not-its-text"),
        pytest.param(Compare(".list", "equals", [1.0, "two", {"x": 3.0}]), True, id="equality-goes-inside"),
        pytest.param(
            Compare(".list", "equals", [True, "two", {"x": 3}]), False, id="true-is-not-1-inside-either"
        ),
        pytest.param(Compare(".nothing", "equals", None), True, id="null-equals-null"),
        pytest.param(Compare(".n", "not_equals", 6), True, id="not-equals"),
        pytest.param(Compare(".gone", "not_equals", 6), False, id="a-missing-field-is-not-not-equal"),
        pytest.param(Compare(".n", "gt", 4.9), True, id="gt"),
        pytest.param(Compare(".n", "gte", 5), True, id="gte"),
        pytest.param(Compare(".n", "lt", 5), False, id="lt"),
        pytest.param(Compare(".n", "lte", 5), True, id="lte"),
        pytest.param(Compare(".big", "gt", 2**64 - 1), True, id="large-integers-are-exact"),
        pytest.param(Compare(".n", "gt", "((limit))"), True, id="the-value-may-be-a-placeholder"),
        pytest.param(Compare(".gone", "gt", 1), False, id="a-missing-field-is-not-greater"),
        pytest.param(Compare(".text", "contains", "lo wo"), True, id="a-text-contains-a-text"),
        pytest.param(Compare(".list", "contains", 1.0), True, id="a-list-contains-a-value"),
        pytest.param(Compare(".list", "contains", True), False, id="a-list-of-1-does-not-contain-true"),
        pytest.param(Compare(".text", "in", ["a", "hello world"]), True, id="in"),
        pytest.param(Compare(".text", "matches", "^h.*d$"), True, id="matches"),
        pytest.param(Compare(".text", "matches", "wor"), True, id="matches-anywhere"),
        pytest.param(Compare(".gone", "matches", "x"), False, id="a-missing-field-does-not-match"),
        pytest.param(Compare(".nothing", "is_null", True), True, id="null-is-null"),
        pytest.param(Compare(".gone", "is_null", True), True, id="a-missing-field-is-null"),
        pytest.param(Compare(".gone", "is_null", False), False, id="a-missing-field-is-not-not-null"),
        pytest.param(Compare(".n", "is_null", False), True, id="is-null-false-means-not-null"),
        pytest.param(Compare(".n", "is_not_null", True), True, id="a-value-is-not-null"),
        pytest.param(Compare(".gone", "is_not_null", True), False, id="a-missing-field-is-null-again"),
        pytest.param(Not(MISSING), True, id="a-missing-field-makes-only-its-comparison-false"),
        pytest.param(AnyOf((MISSING, TRUE)), True, id="any-goes-on-after-a-missing-field"),
        pytest.param(NoneOf((MISSING, FALSE)), True, id="none"),
        pytest.param(OneOf((TRUE, FALSE, MISSING)), True, id="exactly-one"),
        pytest.param(OneOf((TRUE, TRUE)), False, id="two-are-not-one"),
        pytest.param(All(()), True, id="all-of-nothing"),
        pytest.param(AnyOf(()), False, id="any-of-nothing"),
        pytest.param(NoneOf(()), True, id="none-of-nothing"),
        pytest.param(OneOf(()), False, id="one-of-nothing"),
        pytest.param(All((TRUE, AnyOf((FALSE, TRUE)))), True, id="nested"),
    ],
)
def test_a_condition_holds_or_not(condition: Condition, expected: bool) -> None:
    assert evaluate(condition, SEEN) is expected


@pytest.mark.parametrize(
    ("field", "operator", "value", "says"),
    [
        pytest.param(".text", "gt", 1, "`gt` compares numbers", id="a-text-is-no-number"),
        pytest.param(".yes", "lt", 1, "`lt` compares numbers", id="true-is-no-number"),
        pytest.param(".n", "lte", "5", 'not "5"', id="nor-is-a-text-that-looks-like-one"),
        pytest.param(".n", "contains", 5, "`contains` looks for", id="a-number-contains-nothing"),
        pytest.param(".map", "contains", "a", "`contains` looks for", id="nor-does-an-object"),
        pytest.param(".text", "contains", 5, "`contains` looks for", id="a-text-contains-texts"),
        pytest.param(".n", "in", "5", "`in` needs a list", id="in-needs-a-list"),
        pytest.param(".n", "matches", "5", "`matches` needs a text", id="matches-needs-a-text"),
        pytest.param(
            ".text", "equals", "((nope))", "`((nope))` names nothing", id="a-placeholder-needs-a-name"
        ),
    ],
)
def test_a_comparison_that_makes_no_sense_is_an_error(
    field: str, operator: str, value: Json, says: str
) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(Compare(field, operator, value), SEEN)
    assert says in str(raised.value)


def test_the_error_names_the_field_and_shows_little_of_its_value() -> None:
    seen = Seen({"x": "y" * 1000})
    with pytest.raises(ExpressionError) as raised:
        evaluate(Compare(".x", "gt", 1), seen)
    assert str(raised.value).startswith('`.x` is "yyy')
    assert len(str(raised.value)) < 200


def test_fields_are_those_of_every_comparison_in_order() -> None:
    condition = All(
        (Compare(".a", "equals"), Not(AnyOf((Compare(".b", "is_null", True), Compare("c", "gt", 1)))))
    )
    assert list(fields(condition)) == [".a", ".b", "c"]
