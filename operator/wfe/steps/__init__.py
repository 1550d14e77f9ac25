"""Step types. Adding one is a module with a `KIND`, and its line in BUILTIN."""

from collections.abc import Mapping
from typing import Any, Final

from wfe.steps import deno, kubernetes, poll, python, shell
from wfe.steps.fields import ignored_keys
from wfe.steps.kind import ConfigInvalid, StepContext, StepKind

BUILTIN: Final[Mapping[str, StepKind[Any]]] = {
    "shell": shell.KIND,
    "deno": deno.KIND,
    "kubernetes": kubernetes.KIND,
    "k8s": kubernetes.KIND,
    "poll": poll.KIND,
    "python": python.KIND,
}

__all__ = ["BUILTIN", "ConfigInvalid", "StepContext", "StepKind", "ignored_keys"]
