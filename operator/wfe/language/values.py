"""A tree as plain values. Keys are texts as they were written; merge keys are resolved; double keys are faults."""

from wfe.language.faults import Fault
from wfe.language.scalars import value_of
from wfe.language.tree import Map, Node, Scalar, Sequence, is_merge
from wfe.model.json import Json


class Values:
    """The values of one tree, and the faults found on the way. What an alias stands for is one value."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._known: dict[int, Json] = {}

    def of(self, node: Node) -> Json:
        """Return the value of a node; a fault leaves null in its place."""
        if id(node) not in self._known:
            self._known[id(node)] = self._new(node)
        return self._known[id(node)]

    def _new(self, node: Node) -> Json:
        match node:
            case Scalar():
                try:
                    return value_of(node)
                except Fault as fault:
                    self.faults.append(fault)
                    return None
            case Sequence():
                return [self.of(item) for item in node.items]
            case Map():
                self._check_keys(node)
                return {name: self.of(value) for name, (_, value) in node.entries().items()}

    def _check_keys(self, node: Map) -> None:
        first: dict[str, Scalar] = {}
        for key, value in node.pairs:
            if is_merge(key):
                self._check_merge(key, value)
            elif key.text in first:
                self.faults.append(
                    Fault(
                        f"the key `{key.text[:60]}` stands here twice",
                        f"take one out; the other is in line {first[key.text].line + 1}",
                        key.line,
                        key.column,
                    )
                )
            first.setdefault(key.text, key)

    def _check_merge(self, key: Scalar, value: Node) -> None:
        sources = value.items if isinstance(value, Sequence) else [value]
        if not all(isinstance(source, Map) for source in sources):
            self.faults.append(
                Fault(
                    "`<<` merges mappings, and this is none",
                    "write `<<: *name` of an anchored mapping",
                    key.line,
                    key.column,
                )
            )
