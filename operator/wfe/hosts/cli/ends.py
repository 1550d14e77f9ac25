"""How following an instance ends, on a laptop and in a cluster."""

from typing import Final

from wfe.model.status import InstanceStatus

HALTED: Final = 3
KILLED: Final = 130
EXIT_CODES: Final = {
    InstanceStatus.COMPLETE: 0,
    InstanceStatus.FAILED: 1,
    InstanceStatus.SUSPENDED: HALTED,
    InstanceStatus.TERMINATED: 4,
}
