"""Starting over: an instance that lost its workspace, and says that it may, runs again from its first step.

Everything that is left of the first run is stopped first, as for any failure; then the second begins as another
round of the whole: its visits, attempts and children have names of their own.
"""

from typing import Final

from wfe.engine import scopes
from wfe.engine.draft import Draft, Enter
from wfe.graph.graph import OnWorkspaceLost
from wfe.model.failure import Failure, Reason
from wfe.model.instance import ROOT, Counts
from wfe.model.pointer import Pointer

MAX_RESTARTS: Final = 3


def is_wanted(draft: Draft, failure: Failure) -> bool:
    """Say whether an instance that fails for this starts over instead."""
    return (
        failure.reason is Reason.WORKSPACE_LOST
        and draft.graph.on_workspace_lost is OnWorkspaceLost.RESTART
        and draft.get("restarts") < MAX_RESTARTS
    )


def is_due(draft: Draft) -> bool:
    """Say whether the root visit that has ended was stopped for that."""
    return bool(draft.get("restarting")) and not draft.get("cancelled")


def start_over(draft: Draft) -> None:
    """Begin again with what the instance was given."""
    restarts = draft.get("restarts") + 1
    draft.drop_lists("")
    for seq in list(draft.undo):
        draft.drop_undo(seq)
    scopes.drop_all(draft)
    scopes.open_root(draft, draft.base.inputs)
    draft.head.update(
        restarting=False, restarts=restarts, failure=None, incarnation=None, counts=Counts(), end=None
    )
    root = draft.graph.root
    draft.put(Pointer(path=ROOT, node=root.path, parent=None, scope=ROOT, prefix=f"#{restarts + 1}"))
    draft.later(Enter(ROOT))
