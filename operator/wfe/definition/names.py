"""Names of steps that have none: by construct and number, or by the step whose hook they are."""

from collections.abc import Mapping

from wfe.definition.step import Where
from wfe.definition.workflow import Place, WorkflowModel


def step_names(workflow: WorkflowModel) -> Mapping[Where, str]:
    """Return the name of every step by its place; the same every time."""
    places = list(workflow.walk())
    names = _Names({place.step.name for place in places if place.step.name is not None})
    found: dict[Where, str] = {}
    for place in places:
        name = place.step.name
        found[place.where] = names.free(_wanted(place, found)) if name is None else name
    return found


def _wanted(place: Place, names: Mapping[Where, str]) -> str:
    if place.owner is not None and place.role is not None:
        return f"{names[place.owner.where]}-{place.role.replace('_', '-')}"
    return place.step.kind.replace("_", "-")


class _Names:
    """Gives out names that nobody has: `delay`, `delay-2`, …"""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.last: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        name = wanted
        while name in self.taken:
            self.last[wanted] = self.last.get(wanted, 1) + 1
            name = f"{wanted}-{self.last[wanted]}"
        self.taken.add(name)
        return name
