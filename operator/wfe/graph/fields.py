"""Declared inputs and outputs: filled and checked at the start, checked at the end."""

from collections.abc import Callable, Mapping

from wfe.errors import Permanent
from wfe.expr.types import check, coerce_text, keep_as_written, parse_type
from wfe.graph.graph import Graph
from wfe.model.json import Data, Json


class InputsInvalid(Permanent):
    """Inputs are missing or of the wrong type; nothing was started.

    Args:
        wrong: a sentence for each input of the wrong type, by name.
        missing: a sentence for each that is missing, by name.
    """

    def __init__(self, wrong: Mapping[str, str], missing: Mapping[str, str]) -> None:
        self._wrong, self._missing = wrong, missing
        super().__init__("; ".join(self.problems))

    @property
    def problems(self) -> list[str]:
        """A sentence for each input."""
        return self.told(lambda _: "give it a value")

    def told(self, way: Callable[[str], str]) -> list[str]:
        """Return the problems; `way` says how whoever reads them gives an input of that name."""
        missing = [f"{said}; {way(name)}" for name, said in self._missing.items()]
        return [*missing, *self._wrong.values()]


def coerce_inputs(graph: Graph, texts: Mapping[str, str]) -> dict[str, Json]:
    """Return the values of inputs that were typed as text, by their declared types."""
    return {
        name: coerce_text(text, parse_type(graph.inputs[name].type) if name in graph.inputs else None)
        for name, text in texts.items()
    }


def resolve_inputs(graph: Graph, given: Data, variables: Data) -> dict[str, Json]:
    """Return the inputs an instance starts with: given ones, then variables of their names, then defaults.

    Raises:
        InputsInvalid: one is missing or ill-typed; all of them are told.
    """
    values = dict(given)
    wrong: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name, declared in graph.inputs.items():
        if name not in values and name in variables:
            values[name] = variables[name]
        if name not in values and declared.has_default:
            values[name] = declared.default
        of_type = parse_type(declared.type)
        if name not in values:
            if of_type.optional:
                values[name] = None
            else:
                missing[name] = f"input `{name}` ({declared.type}) is missing"
            continue
        values[name] = keep_as_written(values[name], of_type)
        problem = check(values[name], of_type)
        if problem:
            wrong[name] = f"input `{name}` {problem}"
    if wrong or missing:
        raise InputsInvalid(wrong, missing)
    return values


def check_outputs(graph: Graph, data: Data) -> tuple[dict[str, Json], list[str]]:
    """Return the declared outputs found in the data, and a sentence for each that is missing or ill-typed."""
    outputs: dict[str, Json] = {}
    problems: list[str] = []
    for name, declared in graph.outputs.items():
        of_type = parse_type(declared.type)
        if name not in data and not of_type.optional:
            problems.append(f"output `{name}` ({declared.type}) was never put out by a step")
            continue
        value = keep_as_written(data.get(name), of_type)
        problem = check(value, of_type)
        if problem:
            problems.append(f"output `{name}` {problem}")
        outputs[name] = value
    return outputs, problems
