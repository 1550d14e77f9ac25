"""What of the data a shell step sees as environment variables."""

import re
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from wfe.expr.template import as_text
from wfe.model.json import Data, Json

VALUE_LIMIT: Final = 32 * 1024
TOTAL_LIMIT: Final = 1024 * 1024
# Names that decide what a shell, a loader or an interpreter runs, or who it thinks it is.
_SENSITIVE: Final = re.compile(
    r"[0-9].*|WFE_.*|PATH|HOME|SHELL|USER|LOGNAME|IFS|ENV|PS[0-9]|CDPATH|TERM|SHELLOPTS|BASHOPTS|BASH_.*"
    r"|PROMPT_COMMAND|GLOBIGNORE|LD_.*|DYLD_.*|GCONV_PATH|PYTHON.*|NODE_.*|DENO_.*|PERL5.*|RUBYOPT|RUBYLIB"
    r"|_?JAVA_(TOOL_)?OPTIONS|JDK_JAVA_OPTIONS|GIT_(SSH.*|EXEC_PATH|CONFIG.*|EXTERNAL_DIFF|PAGER|EDITOR)|"
)


@dataclass(frozen=True, slots=True)
class DataEnv:
    """Variables, and what to say once about keys that did not become one."""

    env: dict[str, str]
    notes: tuple[str, ...]


def variable_name(key: str) -> str:
    """Return the name of a key's variable: upper case, and `_` for what cannot stand in a name."""
    return re.sub(r"[^A-Z0-9_]", "_", key.upper())


def data_env(data: Data, *, set_elsewhere: Container[str] = ()) -> DataEnv:
    """Return the variables that data become. Names `set_elsewhere` are neither set nor worth a note."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for key in data:
        by_name[variable_name(key)].append(key)
    env: dict[str, str] = {}
    notes: list[str] = []
    size = 0
    for name, keys in by_name.items():
        if name in set_elsewhere:
            continue
        problem = _problem_of(name, keys, data)
        if problem is None:
            value = _env_text(data[keys[0]])
            size += len(name) + len(value)
            problem = f"`{keys[0]}`, since there is too much data in all" if size > TOTAL_LIMIT else None
            if problem is None:
                env[name] = value
        if problem is not None:
            notes.append(f"not in the environment, only in the file WFE_DATA: {problem}")
    return DataEnv(env, tuple(notes))


def _problem_of(name: str, keys: list[str], data: Data) -> str | None:
    if len(keys) > 1:
        return f"{' and '.join(f'`{key}`' for key in keys)}, which would both be {name}"
    if _SENSITIVE.fullmatch(name):
        return f"`{keys[0]}`, whose name {name} is not for data; set it in config.env if you mean it"
    value = _env_text(data[keys[0]])
    if len(value) > VALUE_LIMIT or len(value.encode("utf-8", "replace")) > VALUE_LIMIT:
        return f"`{keys[0]}`, which is longer than {VALUE_LIMIT} bytes"
    return f"`{keys[0]}`, which holds a NUL character" if "\0" in value else None


def _env_text(value: Json) -> str:
    return "" if value is None else as_text(value)
