"""Documents in memory, looked through one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wfe.ports.pages import moment_of, page_after, place_of
from wfe.ports.search import Document, SearchPage, SearchQuery
from wfe.ports.store import Summary
from wfe.ports.words import Wanted, wanted, words_of


@dataclass(frozen=True, slots=True)
class _Kept:
    summary: Summary
    words: frozenset[str]


class MemorySearch:
    """Keeps the promise of `ports.search.Search`."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def put(self, documents: Sequence[Document]) -> None:
        for document in documents:
            summary = document.summary
            known = self._kept.get(summary.id)
            if known is None or known.summary.revision <= summary.revision:
                self._kept[summary.id] = _Kept(summary, frozenset(words_of(document.text)))

    async def remove(self, instances: Sequence[str]) -> None:
        for instance in instances:
            self._kept.pop(instance, None)

    async def kept(self, instances: Sequence[str]) -> Sequence[Summary]:
        return [self._kept[instance].summary for instance in instances if instance in self._kept]

    async def find(self, query: SearchQuery) -> SearchPage:
        words, after = wanted(query.text), _place(query.after)
        found = [
            one.summary
            for one in self._kept.values()
            if _is_wanted(one.summary, query)
            and all(_has(one.words, word) for word in words)
            and (after is None or one.summary.age < after)
        ]
        found.sort(key=lambda one: one.age, reverse=True)
        page = found[: query.limit]
        is_last = len(found) <= query.limit
        return SearchPage(page, None if is_last else _page_after(page[-1]))


def _is_wanted(summary: Summary, query: SearchQuery) -> bool:
    exact = (
        (query.workflow, summary.workflow.id),
        (query.reference, summary.reference),
        (query.name, summary.name),
        (query.parent, summary.parent),
    )
    return (
        (not query.statuses or summary.status in query.statuses)
        and all(wanted in {None, found} for wanted, found in exact)
        and (query.namespace is None or summary.name.startswith(f"{query.namespace}/"))
        and (query.since is None or summary.created_at >= query.since)
        and (query.until is None or summary.created_at < query.until)
    )


def _has(words: frozenset[str], wanted_word: Wanted) -> bool:
    if not wanted_word.is_prefix:
        return wanted_word.word in words
    return any(word.startswith(wanted_word.word) for word in words)


def _page_after(summary: Summary) -> str:
    return page_after(summary.created_at.isoformat(), summary.id)


def _place(page: str | None) -> tuple[datetime, str] | None:
    if page is None:
        return None
    created, instance = place_of(page, str, str)
    return moment_of(created), instance
