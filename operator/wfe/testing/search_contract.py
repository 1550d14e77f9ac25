"""What every search promises. Subclass the suite and give it a fixture `make_search`.

`make_search()` returns an opened search on the same data at every call, as a context manager.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from wfe.errors import Permanent
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Counts, ParentRef, WorkflowRef
from wfe.model.status import InstanceStatus
from wfe.ports.search import Document, Search, SearchQuery
from wfe.ports.store import Summary
from wfe.testing.builders import NOON, an_instance

T = TypeVar("T")
MakeSearch = Callable[[], AbstractAsyncContextManager[Search]]
PATIENCE = timedelta(seconds=20)
LOOK = timedelta(milliseconds=20)
MINUTE = timedelta(minutes=1)


async def eventually(look: Callable[[], Awaitable[T]], expected: T) -> None:
    """Look until what is found is what is expected: what was written is found a little later."""
    found = await look()
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while found != expected:
                await asyncio.sleep(LOOK.total_seconds())
                found = await look()
    except TimeoutError:
        assert found == expected, f"still so after {PATIENCE.total_seconds():.0f} s"


def a_summary(id: str = "i1", **changes: Any) -> Summary:  # noqa: A002 (the word for it)
    """Return the summary of a pending instance."""
    return replace(Summary.of(an_instance(id)()), **changes)


def a_document(id: str = "i1", text: str = "", **changes: Any) -> Document:  # noqa: A002 (the word for it)
    """Return a document of an instance whose summary is the usual one but for the changes."""
    return Document(a_summary(id, **changes), text)


async def ids(search: Search, **query: Any) -> list[str]:
    """Return the ids that a query finds."""
    return [summary.id for summary in (await search.find(SearchQuery(**query))).found]


TEXT = 'Grüße an "Zoë": user_name=alice-7, Straße 12; path /var/LOG/x.txt; ключ; 名前; b%_*'

# What is asked for in that text, and whether it is found.
WORDS = {
    "nothing-finds-all": ("", True),
    "no-word-finds-all": (" - ", True),
    "case-and-diacritics-do-not-matter": ("GRUSSE", True),
    "all-words-in-any-order": ("zoë alice", True),
    "a-word-that-is-not-there": ("Zoe nobody", False),
    "what-stands-between-words-does-not-matter": ("user_name", True),
    "a-dash-parts-words": ("alice 7", True),
    "a-beginning-is-no-word": ("ali", False),
    "a-star-stands-for-any-end": ("ali*", True),
    "two-beginnings": ("ali* stras*", True),
    "a-star-alone-is-no-word": ("*", True),
    "a-star-stands-for-no-beginning": ("lice*", False),
    "cyrillic": ("КЛЮЧ", True),
    "kanji": ("名*", True),
    "or-is-a-word": ("alice OR nobody", False),
    "not-is-a-word": ("NOT alice", False),
    "and-is-a-word": ("alice AND", False),
    "quotes-and-parentheses-mean-nothing": ('"zoe" (alice', True),
    "a-colon-names-no-column": ("words:alice", False),
    "near-is-a-word": ("NEAR(alice, zoe)", False),
    "operators-mean-nothing": ("alice^2 + -zoe", False),
    "signs-mean-nothing": ("{zoe} ~ \\ / ? ! && ||", True),
    "paths-are-words": ("var log x txt", True),
    "nul-parts-words": ("zoe\0alice", True),
    "sql-is-words": ("'; DROP TABLE documents; --", False),
}


class SearchContract:
    """Words find instances, filters and pages narrow them, the newest revision counts."""

    async def test_a_summary_comes_back_as_it_was_put(self, make_search: MakeSearch) -> None:
        full = Summary.of(
            an_instance(
                "full",
                name="näme \"' 😀",
                workflow=WorkflowRef("deploy", 3, "d" * 64),
                status=InstanceStatus.FAILED,
                reason="Because",
                reference="order/7",
                revision=7,
                created_at=NOON + timedelta(microseconds=1),
                finished_at=NOON + timedelta(hours=1, microseconds=3),
                counts=Counts(complete=3, failed=1),
                parent=ParentRef("mother", "child", 2),
                failure=Failure(
                    reason=Reason.ERROR,
                    message="NUL \0 and more",
                    step="build",
                    exit_code=3,
                    also=(Failure(reason=Reason.TIMEOUT, message="then"),),
                ),
            )()
        )
        async with make_search() as search:
            await search.put([Document(full, "")])
            await eventually(lambda: ids(search), ["full"])
            assert (await search.find(SearchQuery())).found == [full]

    async def test_words_find(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            await search.put([a_document("a", TEXT), a_document("b", "else", created_at=NOON - MINUTE)])
            await eventually(lambda: ids(search), ["a", "b"])
            for name, (words, is_found) in WORDS.items():
                has_words = any(letter.isalnum() for letter in words)
                expected = [*(["a"] if is_found else []), *([] if has_words else ["b"])]
                assert await ids(search, text=words) == expected, name

    async def test_long_words_are_found_by_their_beginning(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            await search.put([a_document("a", "x" * 50_000), a_document("b", "y" * 50)])
            await eventually(lambda: ids(search, text="x" * 50_000), ["a"])
            assert await ids(search, text="xxx*") == ["a"]
            assert await ids(search, text="x" * 50) == []

    async def test_a_text_of_many_words_is_found_whole(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            await search.put([a_document("a", " ".join(f"w{number}" for number in range(20_000)))])
            await eventually(lambda: ids(search, text="w0 w19999"), ["a"])

    async def test_filters_narrow(self, make_search: MakeSearch) -> None:
        failed, running = InstanceStatus.FAILED, InstanceStatus.RUNNING
        async with make_search() as search:
            await search.put(
                [
                    a_document("a", "one", status=failed, reference="r", name="team/x", created_at=NOON),
                    a_document(
                        "b",
                        "one",
                        status=running,
                        name="team-b/x",
                        parent="a",
                        created_at=NOON + MINUTE,
                    ),
                    a_document(
                        "c", "two", workflow=WorkflowRef("deploy", 1, ""), created_at=NOON + 2 * MINUTE
                    ),
                ]
            )
            await eventually(lambda: ids(search), ["c", "b", "a"])
            for query, expected in (
                ({"statuses": frozenset({failed})}, ["a"]),
                ({"statuses": frozenset({failed, running})}, ["b", "a"]),
                ({"workflow": "deploy"}, ["c"]),
                ({"workflow": "depl"}, []),
                ({"reference": "r"}, ["a"]),
                ({"name": "team/x"}, ["a"]),
                ({"name": "x"}, []),
                ({"namespace": "team"}, ["a"]),
                ({"namespace": "team-b"}, ["b"]),
                ({"namespace": "tea"}, []),
                ({"parent": "a"}, ["b"]),
                ({"parent": "b"}, []),
                ({"since": NOON + MINUTE}, ["c", "b"]),
                ({"until": NOON + MINUTE}, ["a"]),
                ({"since": NOON + MINUTE, "until": NOON + 2 * MINUTE}, ["b"]),
                ({"text": "one", "statuses": frozenset({running})}, ["b"]),
                ({"text": "two", "statuses": frozenset({running})}, []),
            ):
                assert await ids(search, **query) == expected, query

    async def test_what_is_kept_of_instances_is_known_at_once(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            assert await search.kept(["a"]) == []
            await search.put([a_document("a", revision=1), a_document("b", revision=1)])
            await search.put([a_document("a", revision=3, status=InstanceStatus.FAILED)])
            found = {one.id: one for one in await search.kept(["a", "b", "unknown"])}
            assert (found["a"].revision, found["a"].status) == (3, InstanceStatus.FAILED)
            assert found.keys() == {"a", "b"}
            assert await search.kept([]) == []

    async def test_an_older_revision_changes_nothing(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            await search.put([a_document("a", "new", revision=5)])
            await search.put([a_document("a", "old", revision=4), a_document("b", revision=1)])
            await eventually(lambda: ids(search), ["b", "a"])
            assert await ids(search, text="new") == ["a"]
            assert await ids(search, text="old") == []

    @pytest.mark.parametrize("revision", [5, 6])
    async def test_the_same_revision_and_later_ones_replace(
        self, make_search: MakeSearch, revision: int
    ) -> None:
        async with make_search() as search:
            await search.put([a_document("a", "first", revision=5)])
            await search.put([a_document("a", "second", revision=revision, reference="now")])
            await eventually(lambda: ids(search, text="second", reference="now"), ["a"])
            assert await ids(search, text="first") == []

    async def test_of_revisions_put_at_once_the_newest_counts(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            puts = [
                search.put([a_document("a", f"r{revision}", revision=revision)]) for revision in range(20)
            ]
            await asyncio.gather(*puts)
            await eventually(lambda: ids(search, text="r19"), ["a"])
            await search.put([a_document("b", f"r{revision}", revision=revision) for revision in (3, 1, 2)])
            await eventually(lambda: ids(search, text="r3"), ["b"])

    async def test_what_is_removed_is_not_found(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            await search.put([a_document("a", "word"), a_document("b", "word")])
            await eventually(lambda: ids(search, text="word"), ["b", "a"])
            await search.remove(["a", "nobody"])
            await search.remove([])
            await eventually(lambda: ids(search, text="word"), ["b"])

    async def test_pages_have_everything_once_newest_first(self, make_search: MakeSearch) -> None:
        async with make_search() as search:
            made = [
                a_document(f"i{number:02}", "word", created_at=NOON + timedelta(microseconds=number // 3))
                for number in range(20)
            ]
            await search.put(made)
            await eventually(
                lambda: ids(search, text="word"), [f"i{number:02}" for number in range(19, -1, -1)]
            )
            found: list[str] = []
            after: str | None = None
            while True:
                page = await search.find(SearchQuery(text="word", after=after, limit=3))
                found += [summary.id for summary in page.found]
                after = page.next
                if after is None:
                    break
                await search.put([a_document(f"later{len(found)}", created_at=NOON + MINUTE)])
            assert found == [f"i{number:02}" for number in range(19, -1, -1)]

    @pytest.mark.parametrize("after", ["nonsense", "", "WzFd", "é"])
    async def test_what_is_no_next_is_refused(self, make_search: MakeSearch, after: str) -> None:
        async with make_search() as search:
            with pytest.raises(Permanent, match="next"):
                await search.find(SearchQuery(after=after))
