"""Names of steps that have none: by construct and number, or by the step whose hook they are."""

from collections.abc import Iterable, Mapping

from wfe.definition.step import Where
from wfe.definition.workflow import Place, WorkflowModel


def step_names(workflow: WorkflowModel) -> Mapping[Where, str]:
    """Return the name of every step by its place; the same every time."""
    places = list(workflow.walk())
    taken = {place.step.name for place in places if place.step.name is not None}
    names: dict[Where, str] = {}
    for place in places:
        name = place.step.name
        if name is None:
            name = _free(_wanted(place, names), taken)
            taken.add(name)
        names[place.where] = name
    return names


def _wanted(place: Place, names: Mapping[Where, str]) -> str:
    if place.owner is not None and place.role is not None:
        return f"{names[place.owner.where]}-{place.role.replace('_', '-')}"
    return place.step.kind.replace("_", "-")


def _free(wanted: str, taken: Iterable[str]) -> str:
    number = 2
    name = wanted
    while name in taken:
        name = f"{wanted}-{number}"
        number += 1
    return name
