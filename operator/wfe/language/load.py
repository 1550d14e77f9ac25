"""YAML text to workflows, with all that is wrong with them at once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from wfe.definition.findings import Finding
from wfe.definition.read import Read, read_workflows
from wfe.definition.workflow import WorkflowModel
from wfe.errors import DefinitionInvalid, Problem
from wfe.graph.graph import Graph
from wfe.language.files import Files, Written, doubles
from wfe.language.positions import Positions


@dataclass(frozen=True, slots=True)
class LoadedWorkflow:
    """A workflow without errors."""

    graph: Graph
    model: WorkflowModel
    positions: Positions


@dataclass(frozen=True, slots=True)
class Loaded:
    """The workflows of a file and those it includes, and every problem, in the order of the files."""

    workflows: tuple[LoadedWorkflow, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.is_error)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.is_error)

    def require(self) -> "Loaded":
        """Return this, unless there are errors.

        Raises:
            DefinitionInvalid: there are; it lists them.
        """
        if self.errors:
            raise DefinitionInvalid(self.errors)
        return self


def load_text(
    text: bytes, *, file: str, read: Callable[[str], bytes], variables: Iterable[str] = ()
) -> Loaded:
    """Load a file. Never raises for what is wrong with it.

    Args:
        text: its content.
        file: its name, for messages and for the files it names.
        read: returns the content of a file that it includes or runs, or raises OSError or WfeError.
        variables: the names of variables that are set.
    """
    files = Files(read)
    files.load(file, text)
    written, problems = doubles(files.workflows)
    results = read_workflows([each.raw for each in written], variables=variables)
    for each, result in zip(written, results, strict=True):
        problems.extend(each.positions.problem(_placed(finding, each)) for finding in result.findings)
    order = {name: index for index, name in enumerate(dict.fromkeys(_files(files, written)))}
    ordered = sorted(
        dict.fromkeys([*files.problems, *problems]),
        key=lambda problem: (
            order.get(problem.file or "", len(order)),
            problem.line or 0,
            problem.column or 0,
        ),
    )
    loaded = (_loaded(each, result) for each, result in zip(written, results, strict=True))
    return Loaded(tuple(each for each in loaded if each is not None), tuple(ordered))


def _placed(finding: Finding, written: Written) -> Finding:
    return replace(finding, where=(*written.where, *finding.where))


def _loaded(written: Written, read: Read) -> LoadedWorkflow | None:
    if read.model is None or read.graph is None:
        return None
    return LoadedWorkflow(read.graph, read.model, written.positions)


def _files(files: Files, written: list[Written]) -> Iterable[str]:
    yield from (each.positions.file for each in written)
    yield from (problem.file or "" for problem in files.problems)
