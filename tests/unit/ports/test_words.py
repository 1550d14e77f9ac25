"""What counts as a word is the same on both sides: in what is put, and in what is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.ports.words import LONGEST, Wanted, wanted, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Deploy app-1.2", ["deploy", "app", "1", "2"], id="signs-part-words"),
        pytest.param("snake_case", ["snake", "case"], id="an-underscore-parts-words"),
        pytest.param("Crème BRÛLÉE", ["creme", "brulee"], id="without-diacritics"),
        pytest.param("Straße", ["strasse"], id="sharp-s-is-two"),
        pytest.param("ﬁne ＡＢＣ", ["fine", "abc"], id="forms-of-a-letter-are-that-letter"),
        pytest.param("a\0b\ud83dc", ["a", "b", "c"], id="what-is-no-letter-parts-words"),
        pytest.param("x" * (LONGEST + 1), ["x" * LONGEST], id="the-beginning-of-a-long-word"),
    ],
)
def test_words_of(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        pytest.param("App", [Wanted("app")], id="a-word"),
        pytest.param("App*", [Wanted("app", is_prefix=True)], id="a-beginning"),
        pytest.param(
            "* a *b c*d", [Wanted("a"), Wanted("b"), Wanted("c", is_prefix=True), Wanted("d")], id="stars"
        ),
        pytest.param("é*", [Wanted("e", is_prefix=True)], id="a-beginning-without-diacritics"),
    ],
)
def test_wanted(text: str, asked: list[Wanted]) -> None:
    assert wanted(text) == asked


@given(st.text())
def test_a_text_is_found_by_itself(text: str) -> None:
    assert [one.word for one in wanted(text)] == words_of(text)


@given(st.text())
def test_words_are_parted_by_blanks_alone(text: str) -> None:
    assert " ".join(words_of(text)).split(" ") == (words_of(text) or [""])
    assert not {"\0", '"', "*"} & set("".join(words_of(text)))
