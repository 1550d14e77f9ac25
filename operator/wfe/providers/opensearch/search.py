"""Instances in one index, a document each, guarded by the revision as its version."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from wfe.model.forms import Form
from wfe.model.times import to_micros
from wfe.ports.pages import page_after, place_of
from wfe.ports.search import Document, DocumentsRefused, SearchPage, SearchQuery
from wfe.ports.store import Summary
from wfe.ports.words import Wanted, wanted, words_of
from wfe.providers.opensearch.bulk import Item, encoded, write
from wfe.providers.opensearch.schema import index_of_instances
from wfe.providers.opensearch.server import Json, Server

_FORM: Final = Form(Summary)
_SORT: Final = [{"time": "desc"}, {"id": "desc"}]


class OpenSearchSearch:
    """Keeps the promise of `ports.search.Search`; the server has to be open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._index = index_of_instances(server.address.prefix)

    async def put(self, documents: Sequence[Document]) -> None:
        refused = await write(self._server, [self._item(document) for document in documents])
        if refused:
            raise DocumentsRefused(
                f"OpenSearch at `{self._server.address}` refuses {len(refused)} of {len(documents)} instances, "
                f"the first because of {refused[0].why}"
            )

    def _item(self, document: Document) -> Item:
        summary = document.summary
        index = {
            "_index": self._index,
            "_id": summary.id,
            "version": summary.revision,
            "version_type": "external_gte",
        }
        return Item(encoded({"index": index}), encoded(_fields(document)))

    async def remove(self, instances: Sequence[str]) -> None:
        targets = [{"delete": {"_index": self._index, "_id": instance}} for instance in instances]
        await write(self._server, [Item(encoded(target)) for target in targets])

    async def kept(self, instances: Sequence[str]) -> Sequence[Summary]:
        if not instances:
            return []
        body = {"ids": list(instances)}
        options = {"ignore": 404, "_source": "summary"}
        answer = await self._server.call(
            lambda client: client.mget(index=self._index, body=body, params=options)
        )
        # There is no index before the first document.
        return [_summary(one) for one in answer.get("docs", ()) if one.get("found")]

    async def find(self, query: SearchQuery) -> SearchPage:
        body: dict[str, Any] = {
            "query": {"bool": {"filter": _conditions(query)}},
            "sort": _SORT,
            "size": query.limit + 1,
            "_source": ["summary"],
        }
        if query.after is not None:
            body["search_after"] = list(place_of(query.after, int, str))
        hits = await self._server.found(self._index, body)
        page = [_summary(hit) for hit in hits[: query.limit]]
        return SearchPage(page, page_after(*hits[len(page) - 1]["sort"]) if len(hits) > len(page) else None)


def _fields(document: Document) -> Json:
    one = document.summary
    return {
        "id": one.id,
        "name": one.name,
        "workflow": one.workflow.id,
        "version": one.workflow.version,
        "status": one.status.value,
        "reason": one.reason,
        "reference": one.reference,
        "parent": one.parent,
        "time": to_micros(one.created_at),
        "created_at": one.created_at,
        "finished_at": one.finished_at,
        "words": " ".join(words_of(document.text)),
        "summary": msgspec.Raw(_FORM.encode(one)),
    }


def _summary(hit: Json) -> Summary:
    return _FORM.decode(msgspec.json.encode(hit["_source"]["summary"]))


def _conditions(query: SearchQuery) -> list[Json]:
    time = {name: to_micros(moment) for name, moment in (("gte", query.since), ("lt", query.until)) if moment}
    terms = {
        "status": sorted(status.value for status in query.statuses),
        "workflow": [query.workflow] if query.workflow is not None else [],
        **{
            name: [value]
            for name, value in (
                ("reference", query.reference),
                ("name", query.name),
                ("parent", query.parent),
            )
            if value is not None
        },
    }
    inside = [] if query.namespace is None else [{"prefix": {"name": {"value": f"{query.namespace}/"}}}]
    return [
        *(_word(word) for word in wanted(query.text)),
        *({"terms": {field: values}} for field, values in terms.items() if values),
        *inside,
        *([{"range": {"time": time}}] if time else []),
    ]


def _word(word: Wanted) -> Json:
    return {"prefix" if word.is_prefix else "term": {"words": {"value": word.word}}}
