"""The strings of a step in which placeholders are filled in, and the placeholders of its script."""

from collections.abc import Iterator, Mapping
from typing import Any

from wfe.definition.checks.conditions import conditions_of
from wfe.definition.findings import Where
from wfe.definition.specs import BOUND_TYPES, script_of, shell_of
from wfe.definition.step import Step
from wfe.definition.workflow import Place
from wfe.expr.condition import ALL_OPERATORS
from wfe.expr.shell import LIKE_SH, bind
from wfe.expr.template import Placeholder, placeholders
from wfe.model.json import Json
from wfe.steps import BUILTIN
from wfe.steps.fields import verbatim_fields

Found = tuple[Where, Placeholder]


def placeholders_of(place: Place) -> Iterator[Found]:
    """Yield the placeholders that a step fills in when it is visited, and where they stand."""
    for where, value in _values(place):
        yield from inside(value, where)
    for where, condition in conditions_of(place):
        for operator in ALL_OPERATORS:
            if operator in condition.given():
                yield from inside(condition.value(operator), (*where, operator))
    if place.step.kind in BOUND_TYPES and not place.step.given():
        yield from _of_script(place)


def inside(value: Json, where: Where) -> Iterator[Found]:
    """Yield the placeholders in a value."""
    match value:
        case str():
            for found in placeholders(value):
                yield where, found
        case list():
            for index, item in enumerate(value):
                yield from inside(item, (*where, index))
        case dict():
            for key, item in value.items():
                yield from inside(item, (*where, key))


def _values(place: Place) -> Iterator[tuple[Where, Any]]:
    step = place.step
    plain: Mapping[str, Any] = {"timeout": step.timeout, "delay": step.delay, "until": step.until}
    for key, value in plain.items():
        yield place.at(key), value
    for key, names in _OF_CONSTRUCTS.items():
        construct = step.content(key)
        if construct is not None:
            for name in names:
                yield place.at(key, name), getattr(construct, name)
    if step.poll is not None:
        yield place.at("poll"), step.poll
    if step.config is not None:
        yield from _config(place, step, step.config)


_OF_CONSTRUCTS: Mapping[str, tuple[str, ...]] = {
    "for_each": ("items",),
    "switch": ("value",),
    "wait_for": ("event", "key", "as_of", "timeout"),
    "activity": ("name", "params", "timeout"),
    "recur": ("every",),
    "schedule": ("after",),
    "end": ("message",),
}


def _config(place: Place, step: Step, config: dict[str, Json]) -> Iterator[tuple[Where, Json]]:
    kind = BUILTIN.get(step.kind)
    verbatim = verbatim_fields(kind.config) if kind else frozenset[str]()
    for key, value in config.items():
        if key not in verbatim and not (step.type == "workflow" and key in {"workflow", "outputs"}):
            yield place.at("config", key), value


def _of_script(place: Place) -> Iterator[Found]:
    config = place.step.config or {}
    found = script_of(config)
    if found is None or shell_of(config) not in LIKE_SH:
        return
    bound = set(bind(found[1], shell_of(config)).variables.values())
    for each in placeholders(found[1]) if bound else ():
        if each.source in bound:
            bound.discard(each.source)
            yield place.at("config", found[0]), each
