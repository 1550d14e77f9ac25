"""Hostile and broken documents are told apart within budgets, which are counted and not timed."""

import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.language.faults import Fault
from wfe.language.parse import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse
from wfe.language.tree import Map, Scalar, Sequence


def lines(depth: int) -> str:
    """A bomb: each list holds the one before ten times."""
    return "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, depth)
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(b"", "the file is empty", id="nothing"),
        pytest.param(b"# comment\n", "the file is empty", id="a-comment"),
        pytest.param(b"a: 1\n---\nb: 1\n", "a file is one document", id="two-documents"),
        pytest.param(b"a: \xff\n", "is not UTF-8", id="not-utf-8"),
        pytest.param(b"a: \x00\n", "this is not YAML", id="a-nul"),
        pytest.param(b"a: \x07\n", "this is not YAML", id="a-bell"),
        pytest.param(b" " * (MAX_BYTES + 1), f"{MAX_BYTES} are the most", id="too-many-bytes"),
        pytest.param(b"[" * 500_000, f"more than {MAX_DEPTH} levels deep", id="a-deep-list"),
        pytest.param(b"{a: " * 500_000, f"more than {MAX_DEPTH} levels deep", id="a-deep-mapping"),
        pytest.param(b"- " * 500_000, f"more than {MAX_DEPTH} levels deep", id="a-deep-block"),
        pytest.param(b"? " * 500_000, "a key cannot be a mapping", id="deep-keys"),
        pytest.param(lines(9).encode(), f"more than {MAX_NODES} values", id="a-billion-laughs"),
        pytest.param(
            b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b"*a," * 100 + b"]",
            "bytes of them",
            id="a-long-text-often",
        ),
        pytest.param(b"a: [" + b"1," * 300_000 + b"]", f"more than {MAX_NODES} values", id="too-many-items"),
        pytest.param(
            "\n".join(f"k{i}: 1" for i in range(300_000)).encode(),
            f"more than {MAX_NODES}",
            id="too-many-keys",
        ),
        pytest.param(b"a: &a [*a]\n", "stands inside of what it means", id="an-alias-of-itself"),
        pytest.param(b"a: *b\nb: &b 1\n", "there is no anchor `&b`", id="an-anchor-later"),
        pytest.param(b"? [a]\n: 1\n", "a key cannot be a list", id="a-list-as-key"),
        pytest.param(b"? {a: 1}\n: 1\n", "a key cannot be a mapping", id="a-mapping-as-key"),
        pytest.param(b"a: !!python/object:os.system x\n", "the tag `tag:", id="a-python-object"),
        pytest.param(
            b"a: !!python/name:os.system\n", "python/name:os.system` is refused", id="a-python-name"
        ),
        pytest.param(b"a: !custom {b: 1}\n", "the tag `!custom` is refused", id="a-tag-of-ones-own"),
        pytest.param(b"a: !!binary aGVsbG8=\n", "the tag `!!binary` is refused", id="binary"),
        pytest.param(b"a: !!set {b}\n", "the tag `!!set` is refused", id="a-set"),
        pytest.param(b"%YAML 9.9\n---\na: 1\n", "this is not YAML", id="another-version"),
        pytest.param(b"\xff\xfea\x00:\x00", "is not UTF-8", id="utf-16"),
    ],
)
def test_what_cannot_be_read_is_one_fault(text: bytes, says: str) -> None:
    tracemalloc.start()
    with pytest.raises(Fault) as raised:
        parse(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert says.replace("tag `tag:", "tag `") in raised.value.what
    assert raised.value.remedy
    assert peak < 100 << 20


def test_a_tree_knows_where_everything_stands() -> None:
    tree = parse(b"a:\n  - x\n  - {b: y}\n")
    assert isinstance(tree, Map)
    ((key, items),) = tree.pairs
    assert (key.line, key.column, key.text) == (0, 0, "a")
    assert isinstance(items, Sequence)
    first, second = items.items
    assert (first.line, first.column) == (1, 4)
    assert isinstance(second, Map)
    assert (second.pairs[0][1].line, second.pairs[0][1].column) == (2, 8)


def test_an_alias_is_the_node_it_stands_for_and_counts_as_much() -> None:
    tree = parse(b"a: &a [1, 2]\nb: *a\n")
    assert isinstance(tree, Map)
    assert tree.pairs[0][1] is tree.pairs[1][1]
    assert tree.nodes == 1 + 2 + 2 * 3  # the mapping, its keys, and twice a list of two


def test_a_byte_order_mark_is_no_matter() -> None:
    tree = parse(b"\xef\xbb\xbfa: 1\n")
    assert isinstance(tree, Map)
    assert tree.pairs[0][0].text == "a"


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"# \n\t%?,<", max_size=60).map(str.encode))
def test_no_text_makes_it_fail_otherwise(text: bytes) -> None:
    with suppress(Fault):
        assert isinstance(parse(text), Scalar | Sequence | Map)
