"""Checks of meaning, each in a file of its own. Adding one is a file with a `check`, and its line in CHECKS."""

from collections.abc import Callable, Iterator
from typing import Final

from wfe.definition.checks import (
    conditions,
    configs,
    fields,
    names,
    outputs,
    placeholders,
    returns,
    scripts,
    services,
    shapes,
    types,
    values,
    waits,
)
from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding

Check = Callable[[Subject], Iterator[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    shapes.check,
    names.check,
    types.check,
    values.check,
    conditions.check,
    configs.check,
    scripts.check,
    services.check,
    waits.check,
    returns.check,
)
"""What can be said of any part of a workflow."""

WHOLE_CHECKS: Final[tuple[Check, ...]] = (placeholders.check, fields.check, outputs.check)
"""What can be said only if no step had to be left out."""
