"""What the webhook answers: allowed or not, with the field, what is wrong, and the way out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wfe.graph.fields import InputsInvalid, resolve_inputs
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.beginnings import in_spec
from wfe.hosts.kubernetes.reconcile import text_of
from wfe.hosts.kubernetes.workflows import verdict_on
from wfe.model.codec import NotJson, load_json

MOST_WARNINGS: Final = 10
LONGEST_WARNING: Final = 250
LONGEST: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an object may be stored, and what its user should hear."""

    allowed: bool = True
    message: str = ""
    warnings: tuple[str, ...] = ()

    def response(self, uid: str) -> dict[str, Any]:
        """Return it as the API server reads it."""
        found: dict[str, Any] = {"uid": uid, "allowed": self.allowed}
        if not self.allowed:
            found["status"] = {"code": 422, "reason": "Invalid", "message": self.message[:LONGEST]}
        if self.warnings:
            found["warnings"] = [_one_line(warning) for warning in self.warnings[:MOST_WARNINGS]]
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": found}


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WARNING else f"{line[: LONGEST_WARNING - 1]}…"


def workflow(body: Mapping[str, Any]) -> Answer:
    """Judge a Workflow by the whole loader."""
    verdict = verdict_on(dict(body))
    if verdict.errors:
        return Answer(allowed=False, message=verdict.message, warnings=verdict.warnings)
    return Answer(warnings=verdict.warnings)


def wanted_workflow(body: Mapping[str, Any]) -> str:
    """Return the name of the Workflow that an instance refers to."""
    return text_of((body.get("spec") or {}).get("workflowRef"), "name")


def instance(body: Mapping[str, Any], graph: Graph | None, *, is_known: bool) -> Answer:
    """Judge a new WorkflowInstance.

    Args:
        body: the object.
        graph: the workflow that it refers to, if it is valid and of the version that is asked for.
        is_known: whether there is a Workflow of that name.
    """
    spec = body.get("spec") or {}
    if spec.get("parent") is not None:
        return Answer(allowed=False, message="spec.parent: it is set by the operator alone; leave it out")
    if spec.get("retryOf") is not None:
        return Answer()
    if graph is None:
        name = wanted_workflow(body)
        what = "is not valid" if is_known else "is not there"
        return Answer(
            warnings=(f"spec.workflowRef: Workflow `{name}` {what} yet; the instance begins once it is",)
        )
    try:
        resolve_inputs(graph, _mapping(spec.get("inputs")), _mapping(spec.get("variables")))
    except InputsInvalid as error:
        return Answer(allowed=False, message=in_spec(error))
    return Answer()


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def event(body: Mapping[str, Any]) -> Answer:
    """Judge a WorkflowEvent: what says that it is JSON has to be."""
    spec = body.get("spec") or {}
    for field in ("payloadJson", "outputsJson"):
        text = spec.get(field)
        if isinstance(text, str):
            try:
                load_json(text)
            except NotJson as error:
                return Answer(allowed=False, message=f"spec.{field}: it is not JSON ({error}); quote texts")
    return Answer()
