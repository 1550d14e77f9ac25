"""The engine as an object in your own process."""

from wfe.hosts.embedded.host import WorkflowHost

__all__ = ["WorkflowHost"]
