"""The fluent Python API: workflows whose steps are functions, typed by their data."""

from wfe.builder.builder import WorkflowBuilder
from wfe.builder.fields import field
from wfe.builder.steps import StepContext

__all__ = ["StepContext", "WorkflowBuilder", "field"]
