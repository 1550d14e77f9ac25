"""Homes, settings and tasks for tests of manifests."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wfe.definition import WorkflowModel
from wfe.model.ids import AttemptKey
from wfe.model.task import ProcessTask
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, needs_of
from wfe.pods.settings import PodSettings

UID = "6f1c0e0a-59a5-4b7e-9d3f-0f5b8a1c2d3e"
IMAGE = "localhost/debian:testbed"
SETTINGS = PodSettings(image=IMAGE)
OWNER = Owner("wfe.sunbeam.pt/v1alpha1", "WorkflowInstance", "deploy-1", UID)
KEY = AttemptKey(UID, "build", 1)


def a_workflow(*steps: Mapping[str, Any], id: str = "deploy", **fields: Any) -> WorkflowModel:  # noqa: A002
    """Return the model of a workflow."""
    written = steps or ({"name": "build", "config": {"run": "make"}},)
    return WorkflowModel.model_validate({"id": id, "steps": list(written), **fields})


def a_step(name: str = "build", **config: Any) -> dict[str, Any]:
    """Return a shell step, as it is written."""
    return {"name": name, "config": {"run": "true", **config}}


def needs(*models: WorkflowModel, **how: Any) -> Needs:
    """Return the needs of a tree, on the default image of the tests."""
    return needs_of(models or (a_workflow(),), default_image=IMAGE, **how)


def a_home(*models: WorkflowModel, namespace: str = "default", owner: Owner = OWNER) -> Home:
    """Return the home of a tree of these workflows."""
    first = models[0] if models else a_workflow()
    return Home(owner.uid, namespace, owner, first.id, needs(*(models or (first,))))


def a_task(**changes: Any) -> ProcessTask:
    """Return a task that runs a shell script."""
    task: dict[str, Any] = {
        "key": KEY,
        "argv": ("sh", "{dir}/script"),
        "env": {"NAME": "value of $(HOME) $$"},
        "files": {"script": b"make\n", "data.json": b"{}"},
        "timeout": timedelta(minutes=5),
    }
    return ProcessTask(**{**task, **changes})
