"""What pydantic says about a value, in the words of this house: what is wrong, and the way out."""

import re
from collections.abc import Callable, Container, Mapping
from difflib import get_close_matches
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from wfe.definition.findings import Finding, Where
from wfe.model.forms import NotJson, dump_json

MOST: Final = 100
"""No more findings than these are told of one workflow."""

OURS: Final = frozenset({"bindings"})
"""Keys of configurations that only the compiler writes."""

_SHOWN: Final = 60
_FORM: Final = re.compile(
    r"bool|str|int|float|(function-|tuple\[|list\[|dict\[|lax-or-strict|constrained-|SecretRef).*"
)
# Words of other engines, and what the same thing is called here.
ELSEWHERE: Final = {
    "if": "when",
    "env": "config: {env: …}",
    "run": "config: {run: …}",
    "script": "config: {run: …}",
    "command": "config: {run: …}",
    "image": "config: {image: …}",
    "working_dir": "config: {working_dir: …}",
    "uses": "type",
    "needs": "the order of the steps, or `parallel`",
    "depends_on": "the order of the steps, or `parallel`",
    "retry": "error_behavior: {type: retry}",
    "retries": "error_behavior: {type: retry, max_retries: …}",
    "continue_on_error": "error_behavior: {type: compensate}",
    "foreach": "for_each",
    "finally": "ensure",
    "with": "config",
    "jobs": "steps",
    "on": "`wfe run`, or a schedule beside the workflow",
}


def findings_of(
    error: ValidationError, root: type[BaseModel], where: Where = (), *, without: Container[Where] = ()
) -> list[Finding]:
    """Return the findings that a validation error means.

    Args:
        error: what pydantic says.
        root: the model that was validated.
        where: its place.
        without: places in it of which nothing is to be said.
    """
    every = error.errors(include_url=False)
    told = (each for each in every if not is_echo(each) and tuple(each["loc"]) not in without)
    errors = list(islice(told, MOST + 1))
    return [_finding(each, root, where) for each in _joined(errors, root)]


def is_echo(error: Any) -> bool:
    """Return whether an error only follows from others: a list is short because its items are wrong."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _joined(errors: list[Any], root: type[BaseModel]) -> list[Any]:
    """Return the errors; those of the several forms that one value may have become one."""
    found: dict[Where, Any] = {}
    for error in errors:
        loc = _without_forms(tuple(error["loc"]), root)
        if loc == tuple(error["loc"]):
            found[(*loc, error["type"])] = error
        elif loc in found:
            found[loc]["forms"].append(error["type"])
        else:
            value = error["input"]
            found[loc] = {
                "type": "no_form",
                "loc": loc,
                "input": value,
                "forms": [error["type"]],
                "msg": error["msg"],
            }
    return list(found.values())


def _without_forms(loc: Where, root: type[BaseModel]) -> Where:
    for index, part in enumerate(loc):
        if isinstance(part, str) and _FORM.fullmatch(part) and part not in keys_at(root, loc[:index]):
            return loc[:index]
    return loc


def _finding(error: Any, root: type[BaseModel], base: Where) -> Finding:
    loc: Where = tuple(error["loc"])
    kind: str = error["type"]
    is_key = kind == "extra_forbidden" or (bool(loc) and loc[-1] == "[key]")
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    if kind == "extra_forbidden":
        what, remedy = _unknown_key(str(loc[-1]), keys_at(root, loc[:-1]))
    else:
        say = _SENTENCES.get(kind, _as_it_is)
        what, remedy = say(error, _last_name(loc))
    if kind == "missing":
        loc = loc[:-1]
    return Finding((*base, *loc), what, remedy, on_key=is_key)


def _last_name(loc: Where) -> str:
    names = [part for part in loc if isinstance(part, str)]
    if not names:
        return "it"
    return f"`{names[-1]}`" if loc[-1] == names[-1] else f"an item of `{names[-1]}`"


def _unknown_key(key: str, known: list[str]) -> tuple[str, str]:
    what = f"there is no key `{key}` here"
    if key in ELSEWHERE and "config" in known:
        return what, f"the word for it is {ELSEWHERE[key]}"
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return what, f"did you mean `{close[0]}`?"
    return what, f"take it out; the keys are {', '.join(known)}" if known else "take it out"


def keys_at(root: type[BaseModel], loc: Where) -> list[str]:
    """Return the keys that the mapping at a place of a model may have."""
    hint: Any = root
    for part in loc:
        hint = _inside(_plain(hint), part)
        if hint is None:
            return []
    hint = _plain(hint)
    return _keys(hint) if isinstance(hint, type) and issubclass(hint, BaseModel) else []


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items() if name not in OURS]


def _inside(hint: Any, part: str | int) -> Any:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        if not hint.__pydantic_complete__:
            hint.model_rebuild()
        fields = hint.model_fields.items()
        return next((info.annotation for name, info in fields if (info.alias or name) == part), None)
    arguments = get_args(hint)
    if get_origin(hint) in {tuple, list} and arguments:
        return arguments[0]
    return arguments[1] if get_origin(hint) is dict else None


def _plain(hint: Any) -> Any:
    """Return a type without Annotated, and without None."""
    while get_origin(hint) in {Annotated, Union, UnionType}:
        hint = next(each for each in get_args(hint) if each is not type(None))
    return hint


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and as JSON."""
    try:
        text = dump_json(value)  # type: ignore[arg-type]  # NotJson tells what is none
    except NotJson:
        text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


_Sentence = tuple[str, str]
_WAYS_OUT: Final = {
    "error_behavior": "write `error_behavior: {type: retry}`",
    "when": "write `when: {field: .name, equals: …}`",
    "config": "write `config: {run: …}`",
}


def _should_be(what: str, remedy: str = "") -> Callable[[Any, str], _Sentence]:
    def say(error: Any, name: str) -> _Sentence:
        way_out = _WAYS_OUT.get(name.strip("`"), remedy)
        return f"{name} is {shown(error['input'])}, and should be {what}", way_out

    return say


def _text(error: Any, name: str) -> _Sentence:
    value = error["input"]
    if isinstance(value, dict | list) or value is None:
        return f"{name} is {shown(value)}, and should be a text", "write the text"
    return f"{name} is {shown(value)}, and should be a text", f'put it in quotes: "{shown(value)}"'


def _missing(_: Any, name: str) -> _Sentence:
    return f"{name} is missing", "add it"


def _choice(error: Any, name: str) -> _Sentence:
    words = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    close = get_close_matches(str(error["input"]), words, n=1, cutoff=0.5)
    meant = f"did you mean `{close[0]}`? " if close else ""
    return f"{name} is {shown(error['input'])}", f"{meant}it is one of {', '.join(words)}"


def _bound(word: str, key: str) -> Callable[[Any, str], _Sentence]:
    def say(error: Any, name: str) -> _Sentence:
        return f"{name} is {shown(error['input'])}", f"it should be {word} {error['ctx'][key]:g}"

    return say


def _too_short(_: Any, name: str) -> _Sentence:
    return f"{name} is empty", "give it something, or leave it out"


def _too_long(error: Any, name: str) -> _Sentence:
    return f"{name} is longer than {error['ctx']['max_length']}", "shorten it"


def _own(error: Any, _: str) -> _Sentence:
    what, _, remedy = str(error["msg"]).removeprefix("Value error, ").partition("; ")
    return what, remedy


def _no_form(error: Any, name: str) -> _Sentence:
    forms = " or ".join(dict.fromkeys(_FORMS.get(each, "") for each in error["forms"] if each in _FORMS))
    return f"{name} is {shown(error['input'])}", f"it should be {forms}" if forms else str(error["msg"])


_FORMS: Final = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
}


def _as_it_is(error: Any, name: str) -> _Sentence:
    text = str(error["msg"])
    return f"{name}: {text[:1].lower()}{text[1:]}", ""


_MAPPING: Final = _should_be("a mapping", "write `key: value` lines under it")
_LIST: Final = _should_be("a list", "begin each item with `- `")
_NUMBER: Final = _should_be("a number")
_WHOLE: Final = _should_be("a whole number")
_BOOL: Final = _should_be("true or false")
_SENTENCES: Final[Mapping[str, Callable[[Any, str], _Sentence]]] = {
    "missing": _missing,
    "no_form": _no_form,
    "string_type": _text,
    "literal_error": _choice,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "too_short": _too_short,
    "string_too_short": _too_short,
    "string_too_long": _too_long,
    "value_error": _own,
    "duration": _own,
    "label": _own,
    "data_name": _own,
}
