"""The engine: pure decisions over frozen values. It knows no clock, no chance and no I/O."""

from wfe.engine.advance import Birth, advance, begin, outstanding, submit
from wfe.engine.draft import Circumstances
from wfe.engine.names import ScopeNames, failure_seen_by, names_of

__all__ = [
    "Birth",
    "Circumstances",
    "ScopeNames",
    "advance",
    "begin",
    "failure_seen_by",
    "names_of",
    "outstanding",
    "submit",
]
