"""One attempt's work, said without saying where it runs.

A step type turns its configuration into a task; an executor runs tasks and knows no step types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from wfe.model.ids import AttemptKey
from wfe.model.json import Data

DEFAULT_GRACE = timedelta(seconds=10)


class OutputFormat(StrEnum):
    """How the WFE_OUTPUT file is read: typed text of a shell step, or the JSON that Deno wrote."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTask:
    """A process: executors start it at most once a key.

    `files` are written beside the claim before the start; `{dir}` in argv stands for that directory (the
    executor's own), so that a plan needs no path; values of `env` are users' and are never looked at. The executor
    adds WFE_OUTPUT (`{dir}/output`), WFE_WORKSPACE and, with a file `data.json`, WFE_DATA. `working_dir` is
    relative to the workspace. `stdout_outputs` lets `##wfe[output k=v]` lines count. `env` is complete: nothing
    else from data is added. `secrets` are variables whose values are found where the task runs, by name and key.
    `private_files` are files for this attempt alone, gone after it: a text, or the name and key of a secret, each at
    the path that the variable of its name holds. `isolated`: it wants a pod of its own. `shown` is what stands before
    its lines for people, "" for the path of its key.
    """

    key: AttemptKey
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    private_files: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    working_dir: str = "."
    timeout: timedelta | None = None
    grace: timedelta = DEFAULT_GRACE
    image: str | None = None
    memory: str | None = None
    cpu: str | None = None
    output_format: OutputFormat = OutputFormat.TEXT
    stdout_outputs: bool = True
    log_limit: int = 1 << 30
    isolated: bool = False
    shown: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTask:
    """A callable of the host's process: at least once after a crash, with the key as idempotency key."""

    key: AttemptKey
    callable_id: str
    data: Data
    locals: Data = field(default_factory=dict)
    config: Data = field(default_factory=dict)
    timeout: timedelta | None = None
    grace: timedelta = DEFAULT_GRACE


Task = ProcessTask | PythonTask
