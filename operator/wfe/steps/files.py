"""Names of the files that a task brings, and the variables that every step has.

The executor sets WFE_OUTPUT, WFE_WORKSPACE and, for a task that brings `data.json`, WFE_DATA. WFE_OUTPUT is the file
`output` beside those a task brings.
"""

from collections.abc import Mapping
from typing import Final

from wfe.model.forms import dump_ascii
from wfe.model.json import Data
from wfe.steps.kind import StepContext

SCRIPT: Final = "script"
DATA: Final = "data.json"
OUTPUT: Final = "output"


def in_dir(name: str) -> str:
    """Return the path of a file of the task, to be filled in by the executor."""
    return f"{{dir}}/{name}"


def data_file(data: Data) -> bytes:
    """Return the data as a step reads them from WFE_DATA."""
    return dump_ascii(dict(data)).encode()


def known_env(context: StepContext) -> Mapping[str, str]:
    """Return the variables that tell a step which one it is, and a hook what failed."""
    return {
        "WFE_INSTANCE": context.key.instance,
        "WFE_STEP": context.key.path,
        "WFE_ATTEMPT": str(context.key.attempt),
        **context.extra_env,
    }
