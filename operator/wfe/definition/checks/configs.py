"""Configurations fit their types; what has no meaning here is said."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, warning
from wfe.definition.sentences import findings_of
from wfe.definition.specs import task_config
from wfe.definition.workflow import Place
from wfe.expr.errors import listing, suggestion
from wfe.steps import BUILTIN, StepKind, ignored_keys

ELSEWHERE: Final = re.compile(
    r"buildkit|containerd|git-repo|rust-install|rustup-(toolchain|component|target)"
    r"|cargo-(build|test|check|clippy|fmt|doc|publish|audit|deny|nextest|llvm-cov|doc-mdx)"
)
"""Types of pipelines elsewhere, which load here and find no executor."""


UNWRITTEN: Final = frozenset({"poll", "python", "k8s"})
"""Types that have a construct, a builder, or another word of their own."""


def check(subject: Subject) -> Iterator[Finding]:
    for place in subject.places:
        given = place.step.given()
        is_nothing = place.step.type is None and place.step.config is None and not given
        if is_nothing or (given and given[0] != "poll"):
            continue
        yield from _items(place)
        if place.step.kind == "workflow":
            continue
        if place.step.kind in BUILTIN:
            yield from _known(place, BUILTIN[place.step.kind])
        else:
            yield _no_executor(place, place.step.kind)


def _no_executor(place: Place, kind: str) -> Finding:
    where = place.at("type")
    if ELSEWHERE.fullmatch(kind):
        return warning(
            where,
            f"no executor for steps of type `{kind}` here: a run would fail at this step",
            "use a shell step with an image that has the tool",
        )
    types = [*(name for name in BUILTIN if name not in UNWRITTEN), "workflow"]
    return Finding(where, f"there is no type `{kind}`", f"{suggestion(kind, types)}there is {listing(types)}")


def _items(place: Place) -> Iterator[Finding]:
    for key in ("inputs", "outputs"):
        for index, item in enumerate(getattr(place.step, key) or ()):
            if item.path is not None or item.json_path is not None:
                yield warning(
                    place.at(key, index),
                    "`path` and `json_path` have no meaning here",
                    "take them out; the step puts out the value itself",
                )


def _known(place: Place, kind: StepKind[Any]) -> Iterator[Finding]:
    step = place.step
    base = "poll" if step.poll is not None else "config"
    if step.kind in {"kubernetes", "k8s"}:
        yield warning(
            place.at("type"),
            "a step of type `kubernetes` runs as a shell step in its image",
            "write `type: shell` with `config: {image: …}`",
        )
    written: Mapping[str, Any] = step.poll if step.poll is not None else step.config or {}
    for key, why in ignored_keys(kind.config).items():
        if key in written:
            yield warning(
                place.at(base, key), f"`{key}` has no meaning here: {why}", "take it out", on_key=True
            )
    if step.timeout is not None and written.get("timeout", step.timeout) != step.timeout:
        yield Finding(place.at("timeout"), "the step has two timeouts", f"leave `{base}.timeout` out")
    if "bindings" in written:
        yield Finding(
            place.at(base, "bindings"), "there is no key `bindings` here", "take it out", on_key=True
        )
    try:
        kind.check(task_config(step))
    except ValidationError as error:
        yield from findings_of(error, kind.config, place.at(base))
