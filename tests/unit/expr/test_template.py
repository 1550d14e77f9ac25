from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.expr.seen import Seen
from wfe.expr.errors import ExpressionError
from wfe.expr.template import has_placeholders, placeholders, render

SEEN = Seen(
    data={
        "name": "Ada",
        "n": 5,
        "none": None,
        "list": [1, {"x": "y"}],
        "map": {"a": {"b": True}},
        "image-tag": "v1",
        "sneaky": "((name)) ${{ n }}",
        "both": "data",
    },
    variables={"env": "prod", "both": "variable"},
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("hello ((name))!", "hello Ada!", id="in-a-text"),
        pytest.param("${{ name }} and ${{name}}", "Ada and Ada", id="the-other-form-means-the-same"),
        pytest.param("(( name ))", "Ada", id="spaces-are-allowed"),
        pytest.param("((n))", 5, id="alone-it-keeps-its-type"),
        pytest.param("${{ list }}", [1, {"x": "y"}], id="alone-a-list-stays-a-list"),
        pytest.param("((none))", None, id="alone-null-stays-null"),
        pytest.param(
            "n=((n)) l=((list)) z=((none))", 'n=5 l=[1,{"x":"y"}] z=null', id="else-it-is-compact-json"
        ),
        pytest.param("((map.a.b))", True, id="a-dotted-path"),
        pytest.param("((list.1.x))", "y", id="a-position-in-a-path"),
        pytest.param("((.name))", "Ada", id="a-leading-dot-is-fine"),
        pytest.param("((inputs.name))", "Ada", id="inputs-may-lead"),
        pytest.param("((image-tag))", "v1", id="a-hyphen-in-a-name"),
        pytest.param("((var.env)) ((env))", "prod prod", id="variables"),
        pytest.param("((both)) ((var.both))", "data variable", id="data-before-variables"),
        pytest.param("((sneaky))!", "((name)) ${{ n }}!", id="a-value-is-not-read-again"),
        pytest.param(
            {"((name))": ["((n))", {"k": "x((n))"}]}, {"((name))": [5, {"k": "x5"}]}, id="values-not-keys"
        ),
        pytest.param(
            "((i++)) ((i = 0)) ((1)) (( ))", "((i++)) ((i = 0)) ((1)) (( ))", id="other-double-parentheses"
        ),
        pytest.param(
            "$((n)) $((n + (2*3))) $(((n)))", "$((n)) $((n + (2*3))) $(((n)))", id="arithmetic-is-the-shells"
        ),
        pytest.param("$(( ((n)) )) ((n))", "$(( ((n)) )) 5", id="and-all-of-it"),
        pytest.param(r"\((name)) \${{ name }}", "((name)) ${{ name }}", id="escaped"),
        pytest.param(r"\((i++)) \(x", r"((i++)) \(x", id="only-what-looks-like-one-needs-an-escape"),
        pytest.param("(((name)))", "(Ada)", id="a-third-parenthesis-is-text"),
        pytest.param("$((n", "$((n", id="arithmetic-without-end"),
        pytest.param("${NAME} $x ${{", "${NAME} $x ${{", id="shell-expansions-are-text"),
        pytest.param(7, 7, id="other-values-stay"),
    ],
)
def test_render(value: Any, expected: Any) -> None:
    assert render(value, SEEN) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("((nam))", "did you mean `name`?", id="a-typo"),
        pytest.param("((zzz))", "there is `both`, `env`", id="the-names-there-are"),
        pytest.param("((i))", r"if `((i))` is meant as text, write `\((i))`", id="how-to-write-text"),
        pytest.param("((map.c))", "`map` has no `c`; it has `a`", id="a-key-that-is-missing"),
        pytest.param("((map.a.bb))", "`map.a` has no `bb`; did you mean `b`?", id="deeper"),
        pytest.param("((list.7))", "`list` has no `7`; it is a list of 2", id="a-position-that-is-missing"),
        pytest.param("((name.x))", "`name` has no `x`", id="inside-a-text"),
        pytest.param("${{ var.name }}", "names no variable", id="var-looks-in-variables-only"),
    ],
)
def test_what_cannot_be_resolved_is_an_error_that_helps(text: str, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        render(text, SEEN)
    assert says in str(raised.value)


def test_a_message_lists_only_some_of_many_names() -> None:
    with pytest.raises(ExpressionError, match="and 980 more"):
        render("((x))", Seen({f"name{i}": i for i in range(1000)}))


def test_placeholders_say_where_they_are_and_what_they_name() -> None:
    first, second = placeholders("a ((b.c)) ${{ var.d }}")
    assert (first.names, first.variable_only, first.start, first.end) == (("b", "c"), False, 2, 9)
    assert (second.names, second.variable_only, second.source) == (("d",), True, "${{ var.d }}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", False), ("((x))", True), ({"a": ["${{ x }}"]}, True), ({"((x))": 1}, False), (r"\((x))", False)],
)
def test_has_placeholders(value: Any, expected: bool) -> None:
    assert has_placeholders(value) is expected


@given(st.text(), st.text(), st.text())
def test_a_value_comes_out_as_it_is_whatever_it_holds(before: str, value: str, after: str) -> None:
    plain = "".join(character for character in before + after if character not in "(){}$\\")
    assert render(f"{plain}((v)){plain}", Seen({"v": value})) == f"{plain}{value}{plain}"


@given(st.text(alphabet="(){}$\\ ax.\n'\"#`<"))
def test_any_text_can_be_rendered_or_names_what_is_missing(text: str) -> None:
    known = all(each.names == ("a",) and not each.variable_only for each in placeholders(text))
    with nullcontext() if known else pytest.raises(ExpressionError):
        render(text, Seen({"a": "1"}))
