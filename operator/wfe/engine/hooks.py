"""Hooks: what runs after a step's body, in order, and what their own ends mean.

`on_success` after the body completed; `on_failure` once, after the last attempt failed; the step's own
compensation, where nothing around it undoes; `ensure` always, last. A failing hook fails the step.
"""

from wfe.engine import ending, undo
from wfe.engine.draft import Draft, End
from wfe.graph.node import Node
from wfe.model.change import replace
from wfe.model.pointer import Phase, Pointer, Role
from wfe.model.status import StepStatus


def hook_path(owner: Pointer, role: Role) -> str:
    return f"{owner.path}/{role.value}" if owner.path else role.value


def hook_node(node: Node, role: Role) -> Node | None:
    """Return the hook of that role that a step has."""
    hook: Node | None = getattr(node, role.value)
    return hook


def _start(draft: Draft, owner: Pointer, role: Role) -> bool:
    node = hook_node(draft.node(owner), role)
    if node is None:
        return False
    draft.put(replace(owner, phase=Phase(role.value)))
    path = hook_path(owner, role)
    draft.add(Pointer(path=path, node=node.path, parent=owner.path, role=role, scope=owner.scope))
    return True


def after_success(draft: Draft, pointer: Pointer) -> None:
    """The body has completed."""
    if pointer.stop is not None or not _start(draft, pointer, Role.ON_SUCCESS):
        before_end(draft, pointer, End(StepStatus.COMPLETE))


def after_failure(draft: Draft, pointer: Pointer) -> None:
    """The body has failed for good; `pointer.failure` says why."""
    pointer = draft.put(replace(pointer, status=StepStatus.FAILED, wake_at=None))
    if pointer.stop is not None or not _start(draft, pointer, Role.ON_FAILURE):
        _after_on_failure(draft, pointer)


def _after_on_failure(draft: Draft, pointer: Pointer) -> None:
    if pointer.stop is not None or not undo.recovers(draft, pointer):
        before_end(draft, pointer, End(StepStatus.FAILED, pointer.failure))
    elif not _start(draft, pointer, Role.COMPENSATE):
        before_end(draft, pointer, End(StepStatus.COMPENSATED, pointer.failure))


def before_end(draft: Draft, pointer: Pointer, end: End) -> None:
    """Run `ensure` if the step ever began, then end the visit."""
    pointer = draft.put(replace(pointer, status=end.status, failure=end.failure, wake_at=None))
    if pointer.attempt == 0 or not _start(draft, pointer, Role.ENSURE):
        ending.finish(draft, pointer, end)


def hook_ended(draft: Draft, owner: Pointer, role: Role, end: End) -> None:
    """Go on with a step after one of its hooks."""
    failure = owner.failure
    if end.status is StepStatus.FAILED and end.failure is not None:
        failure = end.failure if failure is None else failure.followed_by(end.failure)
    owner = draft.put(replace(owner, failure=failure))
    hook_failed = end.status is StepStatus.FAILED
    match role:
        case Role.ON_SUCCESS:
            status = StepStatus.FAILED if hook_failed else StepStatus.COMPLETE
            before_end(draft, owner, End(status, failure))
        case Role.ON_FAILURE:
            _after_on_failure(draft, owner)
        case Role.COMPENSATE:
            progress = replace(owner.progress, undo_failed=hook_failed)
            status = StepStatus.FAILED if hook_failed else StepStatus.COMPENSATED
            before_end(draft, replace(owner, progress=progress), End(status, failure))
        case _:
            status = StepStatus.FAILED if hook_failed else owner.status
            ending.finish(draft, owner, End(status, failure))
