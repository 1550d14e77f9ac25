"""Which names a step can see: the inputs, loop items around it, and what steps before it put out.

What a step puts out is what it says it does, what its child or the steps in it do, and any word of a script that
puts something out at all. Some steps put out what nobody can know from the file (the payload of an event, say):
a scope with such a step before is `open`, and no name is wrong in it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from wfe.definition.checks.subject import Subject
from wfe.definition.specs import BOUND_TYPES
from wfe.definition.step import Step
from wfe.definition.workflow import Place

_PUTS_OUT: Final = re.compile(r"##wfe\[output |WFE_OUTPUT|setOutput|\boutput\(")
_WORD: Final = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_LITERAL: Final = re.compile(
    r"##wfe\[output ([\w-]+)=|(?:setOutput|\boutput)\(\s*[\"'`]([\w-]+)|[\"' ]([\w-]+)=[^\n]*WFE_OUTPUT",
    re.ASCII,
)


@dataclass
class Scope:
    """Names, in scopes around scopes. It grows as the steps are walked."""

    parent: "Scope | None" = None
    names: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    is_open: bool = False

    def around(self) -> Iterator["Scope"]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def may_have(self, name: str) -> bool:
        return any(scope.is_open or name in scope.names or name in scope.words for scope in self.around())

    def known(self) -> list[str]:
        """Return the names there are, for messages."""
        return sorted(set[str]().union(*(scope.names for scope in self.around())))

    def absorb(self, inner: "Scope", *, without: Iterable[str] = ()) -> None:
        self.names |= inner.names - set(without)
        self.words |= inner.words
        self.is_open = self.is_open or inner.is_open


def scopes(subject: Subject) -> Iterator[tuple[Place | None, Scope]]:
    """Yield every step with the scope that it sees, and at last None with what there is in the end.

    A scope is what it should be while its step is looked at, and grows afterwards.
    """
    root = Scope(names=set(subject.workflow.inputs))
    walk = _Walk(subject)
    for index, step in enumerate(subject.workflow.steps):
        yield from walk.step(Place(("steps", index), step), root)
    yield None, root


@dataclass(frozen=True)
class _Walk:
    subject: Subject

    def step(self, place: Place, scope: Scope) -> Iterator[tuple[Place, Scope]]:
        step = place.step
        repeats = step.while_ is not None or step.recur is not None
        body = Scope(scope)
        if repeats or (step.for_each is not None and step.for_each.max_parallel == 1):
            # From the second round on, the first step of a round sees what the last one put out.
            self.put_out_inside(step, body)
        yield place, body if repeats else scope
        yield from self.groups(place, scope, body)
        self.put_out(step, scope)
        for role, hook in step.hooks():
            yield from self.step(Place(place.at(role), hook, place, role), scope)

    def groups(self, place: Place, scope: Scope, body: Scope) -> Iterator[tuple[Place, Scope]]:
        step = place.step
        if step.sequence is not None or step.saga is not None or step.schedule is not None:
            body = scope
        items = set[str]()
        if step.for_each is not None:
            items = {step.for_each.as_, f"{step.for_each.as_}_index"}
            body.names |= items
        branches = step.parallel is not None or step.if_ is not None or step.switch is not None
        ended: list[Scope] = []
        for keys, steps in step.groups():
            if branches:
                body = Scope(scope)
            for index, each in enumerate(steps):
                if step.parallel is not None:
                    body = Scope(scope)
                    ended.append(body)
                yield from self.step(Place(place.at(*keys, index), each), body)
            ended.append(body)
        for each_scope in ended:
            scope.absorb(each_scope, without=items)

    def put_out_inside(self, step: Step, scope: Scope) -> None:
        """Add what every step inside a step puts out."""
        for _, steps in step.groups():
            for each in steps:
                self.put_out_inside(each, scope)
                self.put_out(each, scope)
                for _, hook in each.hooks():
                    self.put_out_inside(hook, scope)
                    self.put_out(hook, scope)

    def put_out(self, step: Step, scope: Scope) -> None:
        """Add what a step itself puts out."""
        scope.names.update(step.output_names or ())
        if step.for_each is not None:
            scope.names.update(step.for_each.collect)
        waits = step.wait_for or step.activity
        if waits is not None and waits.output is not None:
            scope.names.add(waits.output)
        elif step.type == "workflow" and not step.given():
            self.put_out_of_child(step, scope)
        elif step.output_names is None and (waits is not None or step.poll is not None):
            scope.is_open = True
        elif not step.given():
            _put_out_of_script(step, scope)

    def put_out_of_child(self, step: Step, scope: Scope) -> None:
        config = step.config or {}
        outputs = config.get("outputs")
        child = self.subject.others.get(str(config.get("workflow")))
        if isinstance(outputs, dict | list):
            scope.names.update(str(name) for name in outputs)
        elif step.output_names is None:
            scope.names.update(child.outputs if child else ())
            scope.is_open = scope.is_open or child is None or not child.outputs


def _put_out_of_script(step: Step, scope: Scope) -> None:
    config = step.config or {}
    script = next((text for key in ("run", "script") if isinstance(text := config.get(key), str)), None)
    if step.kind not in {*BOUND_TYPES, "deno"} or script is None:
        scope.is_open = scope.is_open or step.output_names is None
    elif _PUTS_OUT.search(script):
        scope.words.update(_WORD.findall(script))
        scope.names.update(next(filter(None, found)) for found in _LITERAL.findall(script))
