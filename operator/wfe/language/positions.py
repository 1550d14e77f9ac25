"""From the keys that lead to a value to the file, line and column it stands in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wfe.definition.findings import Finding, Where, field_path
from wfe.errors import Problem
from wfe.language.faults import Fault
from wfe.language.tree import Map, Node, Scalar, Sequence


@dataclass(frozen=True)
class Script:
    """A script that stands in a file of its own."""

    file: str
    text: str


@dataclass(frozen=True)
class Positions:
    """The places of one file's values; `scripts` are those that come from files of their own."""

    file: str
    tree: Node
    lines: tuple[str, ...]
    scripts: Mapping[Where, Script] = field(default_factory=dict)

    def of(self, where: Where, *, on_key: bool = False) -> Node:
        """Return the node at a place, or the nearest one around it."""
        node = self.tree
        for part in where:
            found = _child(node, part)
            if found is None:
                return node
            key, node = found
            if on_key and key is not None and part is where[-1]:
                return key
        return node

    def line_column(self, where: Where) -> tuple[int, int]:
        """Return the line and column of a value, counted from 1."""
        node = self.of(where)
        return node.line + 1, node.column + 1

    def problem(self, finding: Finding) -> Problem:
        """Return a finding with its place."""
        script = self.scripts.get(finding.where)
        if script is not None:
            return self._problem(finding, script.file, *_in_text(script.text, finding.offset or 0))
        node = self.of(finding.where, on_key=finding.on_key)
        line, column = node.line, node.column
        if finding.offset is not None and isinstance(node, Scalar):
            line, column = self._inside(node, finding.offset)
        return self._problem(finding, self.file, line, column)

    def fault(self, fault: Fault) -> Problem:
        return Problem(fault.what, fault.remedy, self.file, fault.line + 1, fault.column + 1)

    def _problem(self, finding: Finding, file: str, line: int, column: int) -> Problem:
        return Problem(
            what=finding.what,
            remedy=finding.remedy,
            file=file,
            line=line + 1,
            column=column + 1,
            field=field_path(finding.where),
            severity=finding.severity.value,
        )

    def _inside(self, node: Scalar, offset: int) -> tuple[int, int]:
        if node.literal:
            line, column = _in_text(node.text, offset)
            line += node.line + 1
            return line, column + self._indent(node)
        written = self._line(node.line)[node.column :]
        quoted = written[:1] in {'"', "'"}
        if "\n" in node.text or not written[quoted:].startswith(node.text[:offset]):
            return node.line, node.column
        return node.line, node.column + quoted + offset

    def _indent(self, node: Scalar) -> int:
        for number, text in enumerate(node.text.split("\n"), start=node.line + 1):
            if text.strip():
                return max(0, self._line(number).find(text))
        return 0

    def _line(self, number: int) -> str:
        return self.lines[number] if number < len(self.lines) else ""


def _child(node: Node, part: str | int) -> tuple[Scalar | None, Node] | None:
    if isinstance(node, Map) and isinstance(part, str):
        return node.entries().get(part)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return None, node.items[part]
    return None


def _in_text(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n"), offset - (before.rfind("\n") + 1)
