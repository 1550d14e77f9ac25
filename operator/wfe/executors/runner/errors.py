"""Why steps cannot run, or go on running, where they were to."""

from wfe.errors import Permanent, Retryable


class PodGone(Permanent):
    """The pod, and all that ran in it, is gone for certain."""


class ContainerStuck(Permanent):
    """The container does not come up, and will not unless somebody does something."""


class Overtaken(Retryable):
    """A controller of a higher epoch is at work in the pod."""


class AttachRefused(Retryable):
    """The supervisor does not serve us; `why` is its word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the supervisor refuses to serve: {why}")
        self.why = why
