"""YAML text to a tree, within budgets.

libyaml reads; the tree is built from its events without recursion, so that neither depth nor size of a document can
do harm: too many bytes, nodes (aliases counted as what they stand for), levels, are faults. Nothing is constructed
here, so no tag can construct anything.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml

from wfe.language.faults import Fault
from wfe.language.tree import Map, Node, Scalar, Sequence

MAX_BYTES: Final = 4 << 20
MAX_NODES: Final = 200_000
MAX_WEIGHT: Final = 16 << 20
MAX_DEPTH: Final = 100
_STANDARD: Final = "tag:yaml.org,2002:"
_SCALARS: Final = frozenset({"str", "int", "float", "bool", "null"})
_LOADER: Final[Any] = getattr(yaml, "CLoader", yaml.Loader)
_REMEDIES: Final = (
    ("cannot start any token", "put the text in quotes, and indent with spaces, never with tabs"),
    ("mapping values are not allowed", "put a text with `: ` in it in quotes, or check the indentation"),
    ("expected ':'", "write `key: value`, with a space behind the colon"),
    (
        "did not find expected key",
        "check the indentation, and put texts that begin with a quote in quotes as a whole",
    ),
    ("did not find expected '-'", "begin every item of the list with `- `, all at the same indentation"),
    ("block sequence entries are not allowed", "begin the list on a line of its own"),
    ("end of stream", "close the quotes or brackets that are open"),
    ("control characters", "take the control characters out"),
    ("undefined tag handle", "take the tag out"),
)


def parse(text: bytes) -> Node:
    """Return the tree of a YAML document.

    Raises:
        Fault: it is no YAML, not one document, or past a budget.
    """
    if len(text) > MAX_BYTES:
        raise Fault(
            f"the file has {len(text)} bytes, {MAX_BYTES} are the most", "split it, and use `include`"
        )
    try:
        text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start)
        raise Fault("the file is not UTF-8 text", "save it as UTF-8", line) from error
    try:
        return _Builder().build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _said(error) from error
    except yaml.YAMLError as error:
        raise Fault(f"this is not YAML: {_first_line(str(error))}", _remedy(str(error))) from error


def _said(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    said = " ".join(filter(None, (error.context, error.problem)))
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return Fault(f"this is not YAML: {said}", _remedy(said), line, column)


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "it cannot be read"


def _remedy(said: str) -> str:
    return next(
        (remedy for part, remedy in _REMEDIES if part in said), "check what stands here, and before it"
    )


class _Builder:
    """Builds one tree from events."""

    def __init__(self) -> None:
        self.open: list[Sequence | Map] = []
        self.keys: list[Scalar | None] = []
        self.anchors: dict[str, Node] = {}
        self.unfinished: dict[int, str] = {}
        self.root: Node | None = None
        self.nodes = 0
        self.weight = 0
        self.handlers: Mapping[str, Callable[[Any], None]] = {
            "ScalarEvent": self.scalar,
            "SequenceStartEvent": self.begin,
            "SequenceEndEvent": self.end,
            "MappingStartEvent": self.begin,
            "MappingEndEvent": self.end,
            "AliasEvent": self.alias,
            "DocumentStartEvent": self.document,
        }

    def build(self, events: Iterator[Any]) -> Node:
        for event in events:
            handle = self.handlers.get(type(event).__name__)
            if handle is not None:
                handle(event)
        if self.root is None:
            raise Fault("the file is empty", "begin it with `workflow:`")
        return self.root

    def document(self, event: Any) -> None:
        if self.root is not None:
            raise Fault("a file is one document", "put several workflows under `workflows:`", *_place(event))

    def scalar(self, event: Any) -> None:
        node = _scalar(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.count(1, len(node.text), event)
        self.add(node)

    def begin(self, event: Any) -> None:
        is_map = isinstance(event, yaml.MappingStartEvent)
        allowed = "map" if is_map else "seq"
        if event.tag not in {None, "!", _STANDARD + allowed}:
            raise _tag_refused(event)
        if len(self.open) >= MAX_DEPTH:
            raise Fault(
                f"the document is more than {MAX_DEPTH} levels deep", "make it flatter", *_place(event)
            )
        if is_map and self.wants_key():
            raise Fault("a key cannot be a mapping", "write a text as key", *_place(event))
        self.count(1, 0, event)
        line, column = _place(event)
        node: Sequence | Map = Map(line, column, []) if is_map else Sequence(line, column, [])
        if event.anchor is not None:
            self.unfinished[len(self.open)] = event.anchor
            self.anchors.pop(event.anchor, None)
        self.open.append(node)
        self.keys.append(None)

    def end(self, _: Any) -> None:
        node = self.open.pop()
        self.keys.pop()
        anchor = self.unfinished.pop(len(self.open), None)
        if anchor is not None:
            self.anchors[anchor] = node
        self.add(node)

    def alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self.unfinished.values()
            what = (
                f"`*{event.anchor}` stands inside of what it means"
                if inside
                else f"there is no anchor `&{event.anchor}`"
            )
            raise Fault(
                what,
                "take it out" if inside else "anchors stand before their aliases, in the same file",
                *_place(event),
            )
        self.count(node.nodes, node.weight, event)
        self.add(node)

    def count(self, nodes: int, weight: int, event: Any) -> None:
        self.nodes += nodes
        self.weight += weight
        if self.nodes > MAX_NODES or self.weight > MAX_WEIGHT:
            raise Fault(
                f"the document has more than {MAX_NODES} values, or {MAX_WEIGHT} bytes of them, aliases included",
                "split it into several workflows, or loop with `for_each`",
                *_place(event),
            )

    def wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1], Map) and self.keys[-1] is None

    def add(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.nodes += node.nodes
        parent.weight += node.weight
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self.keys[-1]) is not None:
            parent.pairs.append((key, node))
            self.keys[-1] = None
        elif isinstance(node, Scalar):
            self.keys[-1] = node
        else:
            raise Fault("a key cannot be a list or a mapping", "write a text as key", node.line, node.column)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line, event.start_mark.column


def _scalar(event: Any) -> Scalar:
    line, column = _place(event)
    tag = None
    if event.tag not in {None, "!"}:
        tag = event.tag.removeprefix(_STANDARD)
        if tag not in _SCALARS:
            raise _tag_refused(event)
    plain = event.implicit[0] and event.style in {None, ""}
    return Scalar(line, column, event.value, plain and event.tag is None, event.style == "|", tag)


def _tag_refused(event: Any) -> Fault:
    tag = event.tag.replace(_STANDARD, "!!")
    return Fault(
        f"the tag `{tag}` is refused",
        "take it out: values are texts, numbers, lists, mappings",
        *_place(event),
    )
