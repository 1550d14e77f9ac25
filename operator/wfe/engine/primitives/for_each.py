"""`for_each`: one child for every item, `max_parallel` at a time.

Finished items are spans of neighbours, merged in item order as they grow together, so what the loop remembers is
as large as what runs, not as the number of items. Collected values lie in pieces of 64.
"""

from typing import Final

from wfe.engine import scopes, visit
from wfe.engine.draft import Draft, End
from wfe.engine.primitive import Primitive
from wfe.engine.values import lookup
from wfe.errors import Permanent
from wfe.graph.node import ForEachSpec
from wfe.model.change import replace
from wfe.model.failure import Failure, Reason
from wfe.model.json import Json
from wfe.model.pointer import Pointer, Span
from wfe.model.status import StepStatus

PIECE: Final = 64


class ForEach(Primitive):
    def begin(self, draft: Draft, pointer: Pointer) -> None:
        spec = _spec(draft, pointer)
        try:
            items = lookup(spec.items, draft.names(pointer))
        except Permanent as error:
            visit.body_ended(draft, pointer, visit.invalid(error))
            return
        if not isinstance(items, list):
            message = f"`items` of for_each is not a list but {type(items).__name__}: {items!r:.80}"
            failure = Failure(reason=Reason.CONFIG_INVALID, message=message)
            visit.body_ended(draft, pointer, visit.failed(failure))
            return
        for start in range(0, len(items), PIECE):
            draft.put_list(_piece(pointer, "items", start), tuple(items[start : start + PIECE]))
        pointer = draft.put(replace(pointer, progress=replace(pointer.progress, total=len(items))))
        self._start_more(draft, pointer)

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        index = _index(pointer, child)
        pointer, refused = self._item_done(draft, pointer, child, index)
        failure = end.failure if end.status is StepStatus.FAILED else refused
        if failure is not None:
            if _spec(draft, pointer).fail_fast:
                visit.fail_children(draft, pointer, failure)
                return
            pointer = visit.remember_failure(draft, pointer, failure, child)
        self._start_more(draft, pointer)

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        for path in [
            path for path, scope in draft.scopes.items() if _is_item_of(pointer, path, scope.closed)
        ]:
            scopes.discard(draft, path)
        refused = self._join(draft, pointer)
        draft.drop_lists(f"{pointer.prefix}/items/")
        draft.drop_lists(f"{pointer.prefix}/collect/")
        failure = pointer.progress.failure or refused
        if failure is not None:
            visit.body_ended(draft, pointer, visit.failed(failure))
        else:
            visit.body_ended(draft, pointer, visit.CANCELLED if pointer.stop else visit.COMPLETE)

    def _start_more(self, draft: Draft, pointer: Pointer) -> None:
        spec = _spec(draft, pointer)
        body = draft.node(pointer).children[0]
        while pointer.progress.live < spec.max_parallel and pointer.progress.next < pointer.progress.total:
            index = pointer.progress.next
            piece = draft.lists[_piece(pointer, "items", index)]
            item = {spec.item: piece[index % PIECE], f"{spec.item}_index": index}
            path = f"{pointer.prefix}[{index}]"
            scopes.open_scope(draft, path, pointer.scope, item)
            pointer = replace(pointer, progress=replace(pointer.progress, next=index + 1))
            child = Pointer(path=path, node=body.path, parent=pointer.path, scope=path, prefix=path)
            visit.start_child(draft, pointer, child)
            pointer = draft.pointers[pointer.path]
        if pointer.progress.live == 0:
            self.stopped(draft, pointer)

    def _item_done(
        self, draft: Draft, pointer: Pointer, child: Pointer, index: int
    ) -> tuple[Pointer, Failure | None]:
        spec = _spec(draft, pointer)
        data, cursors = scopes.take(draft, child.scope)
        for key, output in spec.collect.items():
            self._collect(draft, pointer, key, index, data.get(output))
        if spec.max_parallel == 1:
            return pointer, scopes.merge(draft, pointer.scope, data, cursors)
        span = Span(start=index, stop=index + 1, writes=data, cursors=dict(cursors))
        spans = _join_neighbours((*pointer.progress.spans, span))
        return draft.put(replace(pointer, progress=replace(pointer.progress, spans=spans))), None

    @staticmethod
    def _collect(draft: Draft, pointer: Pointer, key: str, index: int, value: Json) -> None:
        name = _piece(pointer, f"collect/{key}", index)
        values = list(draft.lists.get(name, (None,) * PIECE))
        values[index % PIECE] = value
        draft.put_list(name, tuple(values))

    def _join(self, draft: Draft, pointer: Pointer) -> Failure | None:
        refused = None
        for span in pointer.progress.spans:
            refused = scopes.merge(draft, pointer.scope, span.writes, span.cursors) or refused
        total = pointer.progress.total
        for key in _spec(draft, pointer).collect:
            values: list[Json] = []
            for start in range(0, total, PIECE):
                values.extend(draft.lists.get(_piece(pointer, f"collect/{key}", start), (None,) * PIECE))
            refused = scopes.write(draft, pointer.scope, {key: values[:total]}) or refused
        return refused


def _spec(draft: Draft, pointer: Pointer) -> ForEachSpec:
    spec = draft.node(pointer).spec
    assert isinstance(spec, ForEachSpec)
    return spec


def _piece(pointer: Pointer, what: str, index: int) -> str:
    return f"{pointer.prefix}/{what}/{index // PIECE}"


def _index(pointer: Pointer, child: Pointer) -> int:
    return int(child.path[len(pointer.prefix) + 1 : -1])


def _is_item_of(pointer: Pointer, path: str, closed: bool) -> bool:
    return not closed and path.startswith(f"{pointer.prefix}[") and path.endswith("]")


def _join_neighbours(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Merge spans that touch; later items overwrite earlier ones, whatever the order of their ends."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and joined[-1].stop == span.start:
            before = joined[-1]
            writes = {**before.writes, **span.writes} if span.writes else before.writes
            cursors = scopes.later_cursors(before.cursors, span.cursors)
            joined[-1] = Span(start=before.start, stop=span.stop, writes=writes, cursors=cursors)
        else:
            joined.append(span)
    return tuple(joined)
