"""Who this process is, for leases."""

from wfe.providers.sqlite import holder_name


def this_process(chance: str) -> str:
    """Return a name for this process that no later process has; `chance` tells hosts of one process apart."""
    return holder_name(chance)
