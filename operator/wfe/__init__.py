"""WFE, a persistent workflow engine: the names in `__all__` are public, everything else may change."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wfe.builder import StepContext, WorkflowBuilder, field
    from wfe.errors import (
        Conflict,
        DefinitionInvalid,
        NameTaken,
        NotFound,
        Permanent,
        Problem,
        Retryable,
        StoreUnavailable,
        WfeError,
    )
    from wfe.graph.fields import InputsInvalid
    from wfe.graph.workflow import Workflow
    from wfe.hosts.embedded.activities import ClaimLost
    from wfe.hosts.embedded.control import Ended, NotEnded
    from wfe.hosts.embedded.files import load_workflow, load_workflows
    from wfe.hosts.embedded.host import WorkflowHost
    from wfe.model.instance import Instance
    from wfe.model.status import InstanceStatus, StepStatus
    from wfe.ports.store import Query
    from wfe.runtime.runtime import HeldElsewhere

    __version__: str

__all__ = [
    "ClaimLost",
    "Conflict",
    "DefinitionInvalid",
    "Ended",
    "HeldElsewhere",
    "InputsInvalid",
    "Instance",
    "InstanceStatus",
    "NameTaken",
    "NotEnded",
    "NotFound",
    "Permanent",
    "Problem",
    "Query",
    "Retryable",
    "StepContext",
    "StepStatus",
    "StoreUnavailable",
    "WfeError",
    "Workflow",
    "WorkflowBuilder",
    "WorkflowHost",
    "field",
    "load_workflow",
    "load_workflows",
]

if not TYPE_CHECKING:
    # Lazily, since `wfe --help` and the core's tests need none of it.
    _HOMES = {
        "wfe.builder": ("StepContext", "WorkflowBuilder", "field"),
        "wfe.errors": (
            "Conflict",
            "DefinitionInvalid",
            "NameTaken",
            "NotFound",
            "Permanent",
            "Problem",
            "Retryable",
            "StoreUnavailable",
            "WfeError",
        ),
        "wfe.graph.fields": ("InputsInvalid",),
        "wfe.graph.workflow": ("Workflow",),
        "wfe.hosts.embedded.activities": ("ClaimLost",),
        "wfe.hosts.embedded.control": ("Ended", "NotEnded"),
        "wfe.hosts.embedded.files": ("load_workflow", "load_workflows"),
        "wfe.hosts.embedded.host": ("WorkflowHost",),
        "wfe.model.instance": ("Instance",),
        "wfe.model.status": ("InstanceStatus", "StepStatus"),
        "wfe.ports.store": ("Query",),
        "wfe.runtime.runtime": ("HeldElsewhere",),
    }
    _HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name: str) -> object:
        from importlib import import_module  # noqa: PLC0415  # `import wfe` is to cost nothing

        if name in _HOME_OF:
            value = getattr(import_module(_HOME_OF[name]), name)
            globals()[name] = value
            return value
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415  # slow, and few ask

            return version("wfe")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
