"""What is sent for a step before its start. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import join, normpath

from wfe.errors import Permanent
from wfe.model.task import ProcessTask
from wfe.supervisor import protocol
from wfe.supervisor.launch import launch_text, reopens_streams
from wfe.supervisor.layout import OUTPUT, TAKEN
from wfe.supervisor.pod import OUT, SECRETS, STATE

_DIR = "{dir}"
_DATA = "data.json"
_PRIVATE = "private-"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are in a container."""

    workspace: str
    state: str = STATE
    out: str = OUT
    secrets: str = SECRETS


def preparation(task: ProcessTask, name: str, directory: str, paths: Paths) -> bytes:
    """Return the commands that bring the files of a task, in a container whose steps write below `directory`.

    Raises:
        Permanent: no process can be given that.
    """
    own = join(directory, name)
    private = {variable: text for variable, text in task.private_files.items() if isinstance(text, str)}
    files = {
        **{file: body for file, body in task.files.items() if _checked(file)},
        **{f"{_PRIVATE}{variable}": text.encode("utf-8", "replace") for variable, text in private.items()},
        "launch": _launch(task, own, paths),
    }
    return b"".join(protocol.put(name, file, body) for file, body in files.items())


def starting(task: ProcessTask, name: str, incarnation: str) -> bytes:
    """Return the command that starts it."""
    return protocol.start(
        name,
        incarnation,
        timeout=task.timeout,
        grace=task.grace,
        log_limit=task.log_limit,
        pipes=reopens_streams(task),
        mounted=task.secrets,
        name=_name_for_people(task),
    )


def _name_for_people(task: ProcessTask) -> str:
    """Return what stands before the lines of an attempt."""
    path, attempt = task.shown or task.key.path, task.key.attempt
    return path if attempt == 1 else f"{path}#{attempt}"


def _checked(name: str) -> bool:
    if "/" in name or name.startswith(".") or name in TAKEN:
        raise Permanent(f"a task cannot bring a file named `{name}`")
    return True


def _launch(task: ProcessTask, own: str, paths: Paths) -> bytes:
    argv = [word.replace(_DIR, own) for word in task.argv]
    env = {**task.env, **dict(_private_variables(task, own, paths))}
    env["WFE_WORKSPACE"] = paths.workspace
    env["WFE_OUTPUT"] = join(own, OUTPUT)
    if _DATA in task.files:
        env["WFE_DATA"] = join(own, _DATA)
    return launch_text(argv, env, normpath(join(paths.workspace, task.working_dir)))


def _private_variables(task: ProcessTask, own: str, paths: Paths) -> Iterator[tuple[str, str]]:
    for variable, value in task.private_files.items():
        if isinstance(value, str):
            yield variable, join(own, f"{_PRIVATE}{variable}")
        else:
            yield variable, join(paths.secrets, *value)
