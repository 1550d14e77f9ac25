"""Placeholders of scripts stand where the shell expands them."""

from collections.abc import Iterator

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding
from wfe.definition.specs import BOUND_TYPES, script_of, shell_of
from wfe.definition.workflow import Place
from wfe.expr.shell import LIKE_SH, bind
from wfe.expr.template import placeholders


def check(subject: Subject) -> Iterator[Finding]:
    for place in subject.places:
        if place.step.given() or place.step.config is None:
            continue
        if place.step.kind in BOUND_TYPES:
            yield from _shell(place)
        elif place.step.kind == "deno":
            yield from _none(place, "script", "a Deno script", 'read it with `Wfe.getData()["{name}"]`')


def _shell(place: Place) -> Iterator[Finding]:
    config = place.step.config or {}
    found = script_of(config)
    if found is None:
        return
    shell = shell_of(config)
    if shell not in LIKE_SH:
        yield from _none(place, found[0], f"a script of `{shell}`", "read it from the environment, as {env}")
        return
    for problem in bind(found[1], shell).problems:
        yield Finding(place.at("config", found[0]), problem.what, problem.remedy, offset=problem.offset)


def _none(place: Place, key: str, what: str, remedy: str) -> Iterator[Finding]:
    script = (place.step.config or {}).get(key)
    for found in placeholders(script) if isinstance(script, str) else ():
        name = ".".join(found.names)
        env = found.names[0].upper().replace("-", "_")
        way_out = f"{remedy.format(name=name, env=env)}; for text, write `\\{found.source}`"
        yield Finding(
            place.at("config", key),
            f"`{found.source}` stands in {what}, which is never changed",
            way_out,
            offset=found.start,
        )
