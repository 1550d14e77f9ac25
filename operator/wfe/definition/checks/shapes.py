"""A step is one thing: a type with its configuration, or one construct."""

from collections.abc import Iterator
from typing import Final

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding
from wfe.definition.workflow import Place

_BELONGS: Final = {"fail_fast": {"parallel", "for_each"}, "compensate_on_cancel": {"saga"}}


def check(subject: Subject) -> Iterator[Finding]:
    for place in subject.places:
        given = place.step.given()
        if len(given) > 1:
            listed = " and ".join(f"`{key}`" for key in given)
            yield Finding(
                place.at(given[1]),
                f"a step is one thing, and this one has {listed}",
                "make two steps of it, or put one inside the other",
                on_key=True,
            )
        if given:
            yield from _beside(place, given[0])
        elif not place.step.type and place.step.config is None:
            yield Finding(place.where, "the step does nothing", "give it `config: {run: …}`, or a construct")
        yield from _misplaced(place)
        yield from _empty(place)


def _beside(place: Place, construct: str) -> Iterator[Finding]:
    for key in ("type", "config", "isolation"):
        if getattr(place.step, key) is not None:
            yield Finding(
                place.at(key),
                f"`{key}` stands beside `{construct}`, which runs nothing itself",
                f"move it to a step inside, or take `{construct}` out",
                on_key=True,
            )


def _misplaced(place: Place) -> Iterator[Finding]:
    for key, kinds in _BELONGS.items():
        if getattr(place.step, key) is not None and place.step.kind not in kinds:
            yield Finding(
                place.at(key),
                f"`{key}` means nothing on a step of type `{place.step.kind}`",
                f"take it out; it belongs to {' and '.join(sorted(kinds))}",
                on_key=True,
            )


def _empty(place: Place) -> Iterator[Finding]:
    for keys, steps in place.step.groups():
        if not steps and keys != ("if", "else"):
            yield Finding(
                place.at(*keys), f"`{keys[-1]}` has no steps", "give it at least one, or take it out"
            )
