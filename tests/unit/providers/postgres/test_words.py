"""Any text of a user can be kept and indexed, and different ones stay different."""

from hypothesis import given
from hypothesis import strategies as st

from wfe.providers.postgres.saves import restored, storable
from wfe.providers.postgres.words import kept

texts = st.text(st.characters(), max_size=12) | st.builds(
    lambda text, n: text * n, st.text(max_size=3), st.just(500)
)


@given(texts)
def test_what_is_kept_is_short_text_without_a_nul(text: str) -> None:
    found = kept(text)
    assert "\0" not in found
    assert len(found.encode()) < 2000


@given(texts, texts)
def test_different_texts_are_kept_as_different_ones(one: str, other: str) -> None:
    assert (kept(one) == kept(other)) == (one == other)
    assert (kept(one) == kept(kept(other))) == (one == kept(other))


def test_plain_text_is_kept_as_it_is() -> None:
    assert [kept(text) for text in ("", "order 17", "ключ 😀")] == ["", "order 17", "ключ 😀"]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from([1, 300]),
    st.binary(max_size=9),
)
def test_a_part_comes_back_whatever_its_name(key: str, times: int, body: bytes) -> None:
    name = f"d/\n{key * times}"
    stored, value = storable(name, body)
    assert value is not None
    assert len(stored.encode()) < 2500
    assert restored(stored, value) == (name, body)


def test_a_part_that_is_gone_has_the_name_that_it_had() -> None:
    name = "d/\n" + "x" * 5000
    assert storable(name, None) == (storable(name, b"1")[0], None)
