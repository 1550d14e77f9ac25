"""Names of steps are unique, and can stand in a path."""

import re
from collections.abc import Iterator
from typing import Final

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, field_path
from wfe.definition.step import CONSTRUCTS, ROLES
from wfe.definition.workflow import Place
from wfe.expr.template import has_placeholders

LONGEST: Final = 128
_BAD: Final = re.compile(r"[/\[\]#\x00-\x1f\x7f]|^\+|^\s|\s$")


def check(subject: Subject) -> Iterator[Finding]:
    first: dict[str, Place] = {}
    for place in subject.places:
        name = place.step.name
        if name is None:
            yield from _missing(place)
        elif name in first:
            yield Finding(
                place.at("name"),
                f"there are two steps named `{name}`",
                f"rename one of them; the other is {field_path(first[name].where)}",
            )
        else:
            first[name] = place
            yield from _unfit(place, name)


def _missing(place: Place) -> Iterator[Finding]:
    if not place.step.given() and place.role is None:
        yield Finding(
            place.where, "the step has no name", "add `name: …`; it is how you find its log and outputs"
        )


def _unfit(place: Place, name: str) -> Iterator[Finding]:
    where = place.at("name")
    if has_placeholders(name):
        yield Finding(where, f"`{name}` has a placeholder, and names are not filled in", "write the name out")
    elif found := _BAD.search(name):
        what = (
            found[0] if found[0].strip() and found[0].isprintable() else "white space at its end or a control"
        )
        yield Finding(
            where,
            f"the name `{name}` has {what!r}, which paths of steps use".replace("'", "`"),
            "use letters, digits, spaces and hyphens",
        )
    elif name in ROLES:
        yield Finding(where, f"a step cannot be named `{name}`, since that is where hooks stand", "rename it")
    elif len(name) > LONGEST:
        yield Finding(where, f"the name has {len(name)} characters", f"{LONGEST} are the most")
    elif place.step.kind not in CONSTRUCTS and place.step.type and has_placeholders(place.step.type):
        yield Finding(place.at("type"), "types are not filled in", "write the type out")
