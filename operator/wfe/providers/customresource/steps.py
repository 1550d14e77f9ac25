"""How many steps a workflow has, for the progress that a person sees."""

from wfe.definition.source import SourceUnknown, model_from_source
from wfe.definition.workflow import Place
from wfe.errors import WfeError


def count_steps(source: str) -> int:
    """Return the number of steps of a stored definition, hooks left out; 0 if it cannot be read here."""
    try:
        workflow = model_from_source(source)
    except (SourceUnknown, WfeError, ValueError):
        return 0
    return sum(1 for place in workflow.walk() if not _in_hook(place))


def _in_hook(place: Place) -> bool:
    return place.role is not None or any(
        key in {"on_success", "on_failure", "ensure", "compensate"} for key in place.where
    )
