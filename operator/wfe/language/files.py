"""A file and the files it includes: each read once, whatever the way to it; a circle is an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wfe.definition.findings import Finding, Where, warning
from wfe.definition.sentences import shown
from wfe.errors import Problem, WfeError
from wfe.expr.errors import suggestion
from wfe.language.faults import Fault
from wfe.language.parse import parse
from wfe.language.paths import beside
from wfe.language.positions import Positions
from wfe.language.scripts import Inliner
from wfe.language.values import Values

KEYS: Final = ("workflow", "workflows", "include", "_templates")
MAX_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Written:
    """A workflow as it is written, and where."""

    raw: Mapping[str, Any]
    where: Where
    positions: Positions


@dataclass
class Files:
    """What was found in a file and those it includes, in the order they were named."""

    read: Callable[[str], bytes]
    workflows: list[Written] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def load(self, file: str, text: bytes, above: tuple[str, ...] = ()) -> None:
        """Take in a file, and then those that it includes."""
        name = beside("", file)
        self.seen.add(name)
        try:
            tree = parse(text)
        except Fault as fault:
            self.problems.append(Problem(fault.what, fault.remedy, file, fault.line + 1, fault.column + 1))
            return
        lines = tuple(text.decode("utf-8-sig").split("\n"))
        values = Values()
        content = values.of(tree)
        inliner = Inliner(file, self.read)
        content = inliner.inlined(content, ())
        positions = Positions(file, tree, lines, inliner.scripts)
        self.problems.extend(map(positions.fault, values.faults))
        found = [*inliner.findings, *_top(content)]
        self.problems.extend(map(positions.problem, found))
        if isinstance(content, dict):
            self.workflows.extend(_workflows(content, positions))
            self.include(content.get("include"), positions, (*above, name))

    def include(self, names: object, positions: Positions, above: tuple[str, ...]) -> None:
        for index, name in enumerate(names if isinstance(names, list) else []):
            if not isinstance(name, str):
                continue
            path = beside(positions.file, name)
            problem = None
            if path in above:
                circle = " → ".join(f"`{each}`" for each in (*above[above.index(path) :], path))
                problem = Finding(
                    ("include", index),
                    f"files include each other in a circle: {circle}",
                    "take one of the includes out",
                )
            elif len(self.seen) >= MAX_FILES:
                problem = Finding(
                    ("include", index), f"more than {MAX_FILES} files are included", "include fewer"
                )
            elif path not in self.seen:
                problem = self.included(path, index, above)
            if problem is not None:
                self.problems.append(positions.problem(problem))

    def included(self, path: str, index: int, above: tuple[str, ...]) -> Finding | None:
        try:
            text = self.read(path)
        except (OSError, WfeError) as error:
            said = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            return Finding(
                ("include", index),
                f"`{path}` cannot be included: {said}",
                "paths are relative to the file that includes",
            )
        self.load(path, text, above)
        return None


def _workflows(content: Mapping[str, Any], positions: Positions) -> list[Written]:
    if isinstance(content.get("workflow"), dict):
        return [Written(content["workflow"], ("workflow",), positions)]
    several = content.get("workflows")
    listed = several if isinstance(several, list) else []
    return [
        Written(raw, ("workflows", index), positions)
        for index, raw in enumerate(listed)
        if isinstance(raw, dict)
    ]


def _top(content: object) -> list[Finding]:
    """Return what is wrong with the keys of a file."""
    if not isinstance(content, dict):
        return [Finding((), "the file is not a mapping", "begin it with `workflow:`")]
    findings = [
        Finding(
            (key,),
            f"there is no key `{key}` in a file",
            suggestion(key, KEYS).strip() or f"a file has {', '.join(KEYS)}",
            on_key=True,
        )
        for key in content
        if key not in KEYS and not key.startswith(("_", "x-")) and not _is_bare(content)
    ]
    return [*findings, *_shape(content)]


def _is_bare(content: Mapping[str, Any]) -> bool:
    return "steps" in content and "workflow" not in content and "workflows" not in content


def _shape(content: Mapping[str, Any]) -> list[Finding]:
    one, several, include = (content.get(key) for key in ("workflow", "workflows", "include"))
    found: list[Finding] = []
    if _is_bare(content):
        found.append(
            Finding((), "the workflow stands at the top of the file", "put it all under a key `workflow:`")
        )
    elif "workflow" in content and "workflows" in content:
        found.append(
            Finding(
                ("workflows",),
                "the file has `workflow` and `workflows`",
                "put all of them into the list",
                on_key=True,
            )
        )
    elif not {"workflow", "workflows", "include"} & content.keys():
        found.append(Finding((), "the file has no workflow", "add `workflow:`, or `workflows:` with a list"))
    if "workflow" in content and not isinstance(one, dict):
        found.append(
            Finding(
                ("workflow",), f"`workflow` is {shown(one)}, and should be a mapping", "give it id and steps"
            )
        )
    if "workflows" in content:
        found.extend(_several(several))
    if "include" in content and not (
        isinstance(include, list) and all(isinstance(name, str) for name in include)
    ):
        found.append(Finding(("include",), f"`include` is {shown(include)}", "write a list of paths"))
    return found


def _several(several: object) -> list[Finding]:
    if not isinstance(several, list):
        return [Finding(("workflows",), "`workflows` is not a list", "begin each workflow with `- id: …`")]
    if not several:
        return [Finding(("workflows",), "`workflows` has no workflow", "add one")]
    return [
        Finding(
            ("workflows", index), f"this is {shown(raw)}, and should be a workflow", "give it id and steps"
        )
        for index, raw in enumerate(several)
        if not isinstance(raw, dict)
    ]


def doubles(workflows: list[Written]) -> tuple[list[Written], list[Problem]]:
    """Return the workflows without those of a name that was taken before, and what to say about them."""
    first: dict[tuple[str, str], Written] = {}
    problems: list[Problem] = []
    kept: list[Written] = []
    for written in workflows:
        name = (str(written.raw.get("id")), str(written.raw.get("version", 1)))
        before = first.setdefault(name, written)
        if before is written or "id" not in written.raw:
            kept.append(written)
            continue
        line, _ = before.positions.line_column(before.where)
        what = f"there are two workflows `{name[0]}` of version {name[1]}"
        where = (*written.where, "id")
        if before.positions.file == written.positions.file:
            finding = Finding(where, what, f"rename one; the other is in line {line}")
        else:
            finding = warning(where, what, f"the one in {before.positions.file} counts")
        problems.append(written.positions.problem(finding))
    return kept, problems
