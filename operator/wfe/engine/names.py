"""What a visit can see: its scope's loop item and data, then the surrounding scopes', then variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wfe.expr.names import MISSING, Missing
from wfe.model.failure import Failure
from wfe.model.instance import Instance, Scope
from wfe.model.json import Data, Json
from wfe.model.pointer import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeNames:
    """Names seen from one scope. `overlay` lies over its data: what a step put out that is now undone."""

    scopes: Mapping[str, Scope]
    scope: str
    variables: Data
    overlay: Data = field(default_factory=dict)

    def _chain(self) -> Iterator[Scope]:
        path: str | None = self.scope
        while path is not None and (scope := self.scopes.get(path)) is not None:
            yield scope
            path = scope.parent

    def value(self, name: str) -> Json | Missing:
        if name in self.overlay:
            return self.overlay[name]
        for scope in self._chain():
            if name in scope.locals:
                return scope.locals[name]
            if name in scope.data:
                return scope.data[name]
        return MISSING

    def variable(self, name: str) -> Json | Missing:
        return self.variables.get(name, MISSING)

    def known(self) -> list[str]:
        found = {name for scope in self._chain() for name in (*scope.locals, *scope.data)}
        return sorted(found | self.overlay.keys() | self.variables.keys())

    def data(self) -> dict[str, Json]:
        """Return all visible data as one object, loop items included."""
        merged: dict[str, Json] = {}
        for scope in reversed(list(self._chain())):
            merged.update(scope.data)
            merged.update(scope.locals)
        merged.update(self.overlay)
        return merged

    def locals(self) -> dict[str, Json]:
        """Return the visible loop items and their indices."""
        merged: dict[str, Json] = {}
        for scope in reversed(list(self._chain())):
            merged.update(scope.locals)
        return merged


def names_of(instance: Instance, path: str) -> ScopeNames:
    """Return what the visit of that path can see, for whoever carries out a command."""
    pointer = instance.pointers[path]
    overlay: Data = {}
    above = pointer
    while above.undo is None and above.parent is not None:
        above = instance.pointers[above.parent]
    if above.undo is not None and above.undo in instance.undo:
        overlay = instance.undo[above.undo].outputs
    return ScopeNames(
        scopes=instance.scopes, scope=pointer.scope, variables=instance.variables, overlay=overlay
    )


def failure_seen_by(instance: Instance, path: str) -> Failure | None:
    """Return the failure that a hook or a compensation runs because of; None for anything else."""
    pointer = instance.pointers[path]
    while pointer.parent is not None:
        owner = instance.pointers[pointer.parent]
        if pointer.role is not Role.BODY:
            return owner.progress.failure if pointer.undo is not None else owner.failure
        pointer = owner
    return None
