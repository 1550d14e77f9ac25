"""Where parts lie: whatever was written, each part is found as it was written last, and the status stays small."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wfe.providers.customresource.layout import BIG, BUDGET, FULL, MOST_CHUNKS, MOST_GONE, Layout

NAMES = [f"p/{number}" for number in range(40)]
A_SIZE = st.one_of(st.none(), st.integers(1, BUDGET // 8), st.integers(BIG + 1, BIG * 3))
A_SAVE = st.dictionaries(st.sampled_from(NAMES), A_SIZE, min_size=1, max_size=12)


class Shelf:
    """A status and chunks, with the number of the save that wrote a part as its text."""

    def __init__(self) -> None:
        self.layout = Layout()
        self.inline: dict[str, tuple[int, int]] = {}
        self.chunks: dict[str, dict[str, tuple[int, int]]] = {}
        self.truth: dict[str, tuple[int, int]] = {}
        self.saves = 0

    def save(self, sizes: dict[str, int | None]) -> None:
        self.saves += 1
        for name, size in sizes.items():
            self.truth.pop(name, None)
            if size is not None:
                self.truth[name] = (self.saves, size)
        self._move(self.layout.write(sizes))
        self._move(self.layout.crowded())
        for chunk in self.layout.tidy():
            del self.chunks[chunk]
        self.inline = {name: self.truth[name] for name in self.layout.inline}

    def _move(self, names: list[str]) -> None:
        if names:
            chunk = f"c{self.saves}-{len(self.chunks)}"
            self.chunks[chunk] = {name: self.truth[name] for name in names}
            self.layout.place(chunk, names, sum(self.truth[name][1] for name in names))

    def read(self) -> dict[str, tuple[int, int]]:
        """Read what is stored as `reads` does: chunks in order, then what is gone, then the status."""
        found: dict[str, tuple[int, int]] = {}
        for chunk in self.layout.chunks:
            found.update(self.chunks[chunk])
        for name in self.layout.gone:
            found.pop(name)
        return {**found, **self.inline}


@settings(max_examples=200, deadline=None)
@given(st.lists(A_SAVE, max_size=60))
def test_what_is_read_is_what_was_written_last(saves: list[dict[str, int | None]]) -> None:
    shelf = Shelf()
    for sizes in saves:
        shelf.save(sizes)
        assert shelf.read() == shelf.truth
        assert shelf.layout.total == sum(size for _, size in shelf.inline.values()) <= BUDGET
        assert set(shelf.layout.chunks) == set(shelf.chunks)


@settings(max_examples=50, deadline=None)
@given(st.lists(A_SAVE, max_size=30))
def test_a_layout_that_is_read_again_is_the_same(saves: list[dict[str, int | None]]) -> None:
    shelf = Shelf()
    for sizes in saves:
        shelf.save(sizes)
    before = shelf.layout
    chunks = {name: {part: size for part, (_, size) in shelf.chunks[name].items()} for name in before.chunks}
    again = Layout.found(before.inline, chunks, before.gone)
    assert (again.inline, again.where, again.gone, again.total) == (
        before.inline,
        before.where,
        before.gone,
        before.total,
    )
    assert [(chunk.names, chunk.alive) for chunk in again.chunks.values()] == [
        (chunk.names, chunk.alive) for chunk in before.chunks.values()
    ]


def test_the_parts_that_were_not_written_for_longest_go_first() -> None:
    layout = Layout()
    layout.write({"old": BIG})
    layout.write({"older": BIG, "young": BIG - 1})
    assert layout.write({"old": BIG, "new": 10}) == ["older", "young"]


def test_small_chunks_are_joined_and_full_ones_left_alone() -> None:
    layout = Layout()
    for number in range(MOST_CHUNKS + 1):
        layout.place(f"full-{number}", [f"f{number}"], FULL)
    assert layout.crowded() == []
    for number in range(4):
        layout.place(f"small-{number}", [f"s{number}"], 10)
    assert layout.crowded() == ["s0", "s1", "s2", "s3"]


def test_a_chunk_of_which_much_is_gone_is_written_anew() -> None:
    layout = Layout()
    names = [str(number) for number in range(100)]
    layout.place("c", names, 1000)
    layout.write(dict.fromkeys(names[: MOST_GONE + 1]))
    assert layout.crowded() == names[MOST_GONE + 1 :]


def test_a_chunk_goes_with_its_last_part_and_nothing_is_gone_then() -> None:
    layout = Layout()
    layout.place("c", ["a", "b"], 10)
    layout.write({"a": None})
    assert (layout.gone, layout.tidy()) == ({"a"}, [])
    layout.write({"b": 5})
    assert (layout.tidy(), layout.gone, layout.chunks) == (["c"], set(), {})
