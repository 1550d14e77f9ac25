"""Literal values of constructs: times, lists to loop over, `as_of`, children."""

from collections.abc import Iterator

from pydantic import ValidationError

from wfe.definition.checks.subject import Subject
from wfe.definition.constructs import Child
from wfe.definition.findings import Finding, warning
from wfe.definition.sentences import findings_of, shown
from wfe.definition.workflow import Place
from wfe.expr.errors import ExpressionError
from wfe.expr.moment import parse_time
from wfe.expr.template import has_placeholders, placeholders
from wfe.model.json import Json


def check(subject: Subject) -> Iterator[Finding]:
    for place in subject.places:
        step = place.step
        if step.until is not None:
            yield from _time(place.at("until"), step.until)
        if step.wait_for is not None and step.wait_for.as_of not in {"start", "now", "always"}:
            yield from _time(
                place.at("wait_for", "as_of"), step.wait_for.as_of, ", or one of start, now, always"
            )
        if step.for_each is not None:
            yield from _items(place, step.for_each.items)
        if step.switch is not None:
            yield from _value(place, step.switch.value)
        if step.type == "workflow" and not step.given():
            yield from _child(place)


def _time(where: tuple[str | int, ...], text: str, others: str = "") -> Iterator[Finding]:
    if has_placeholders(text):
        return
    try:
        parse_time(text)
    except ExpressionError as error:
        what, _, remedy = str(error).partition("; ")
        yield Finding(where, what, remedy + others)


def _items(place: Place, items: Json) -> Iterator[Finding]:
    is_path = isinstance(items, str) and (items.startswith(".") or _is_lone(items))
    if not isinstance(items, list) and not is_path:
        yield Finding(
            place.at("for_each", "items"),
            f"`items` is {shown(items)}, which is not a list",
            "write a list, a placeholder that stands alone such as `((hosts))`, or a path such as `.hosts`",
        )


def _is_lone(text: str) -> bool:
    found = placeholders(text)
    return len(found) == 1 and found[0].source == text


def _value(place: Place, value: Json) -> Iterator[Finding]:
    if not has_placeholders(value) and not (isinstance(value, str) and value.startswith(".")):
        yield warning(
            place.at("switch", "value"),
            f"`value` is always {shown(value)}",
            "write a placeholder such as `((kind))`, or a path such as `.kind`",
        )


def _child(place: Place) -> Iterator[Finding]:
    config = place.step.config or {}
    outputs = config.get("outputs")
    checked = {key: value for key, value in config.items() if key != "outputs"}
    if not (outputs is None or isinstance(outputs, dict | list)):
        yield Finding(
            place.at("config", "outputs"),
            f"`outputs` is {shown(outputs)}",
            "write a list of the child's outputs, or a map from our names to its",
        )
    elif outputs is not None and any(not isinstance(name, str) for name in _texts(outputs)):
        yield Finding(
            place.at("config", "outputs"), "`outputs` holds something that is not a name", "write names"
        )
    try:
        child = Child.model_validate(checked)
    except ValidationError as error:
        yield from findings_of(error, Child, place.at("config"))
        return
    if has_placeholders(child.workflow):
        yield Finding(
            place.at("config", "workflow"),
            "ids of workflows are not filled in",
            "write the id out; use `switch` to choose between workflows",
        )
    if child.version is not None and child.workflow_version not in {None, child.version}:
        yield Finding(
            place.at("config", "workflow_version"),
            "`version` and `workflow_version` disagree",
            "leave one of them out",
        )


def _texts(outputs: list[Json] | dict[str, Json]) -> list[Json]:
    return list(outputs.values()) if isinstance(outputs, dict) else outputs
