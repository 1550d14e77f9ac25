"""What is kept in the state directory, and by which names.

    id                           a random word, made once: with the boot it names the incarnation
    supervisor.sh, .supervisor/  the supervisor and its own files
    INSTANCE/TOKEN/              an attempt (`supervisor.layout`)

An instance is forgotten by removing its directory, once it has ended: claims guard only attempts that may
still be started. Everything here is for its owner alone (0700), since data may be private.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from wfe.errors import Permanent
from wfe.model.task import ProcessTask
from wfe.supervisor import script
from wfe.supervisor.launch import launch_text
from wfe.supervisor.layout import ABOUT, CLAIM, OUTPUT, TAKEN, about, attempt_directory

_INHERITED = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR")
PRIVATE = "private-"
_DIR = "{dir}"


class StateUnusable(Permanent):
    """The state directory cannot be made or written to."""


@contextmanager
def writing_state(directory: Path) -> Iterator[None]:
    """Say what is wrong with a state directory that cannot be made or written to inside.

    Raises:
        StateUnusable: it cannot; the text says why, and the way out.
    """
    try:
        yield
    except OSError as error:
        raise StateUnusable(
            f"the files of steps cannot be kept in `{directory}`: {error.strerror or error}; its place has to exist "
            "and to be writable for this user (a store's is beside it, and the current directory otherwise)"
        ) from error


class StateDirectory:
    """The directory of one executor, which outlives it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        with writing_state(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / ".supervisor").mkdir(mode=0o700, exist_ok=True)
            self._word = self._id()
            self.incarnation = f"{self._word}-{_boot()}"
            self.supervisor = self.root / "supervisor.sh"
            _replace(self.supervisor, script().encode())

    def was(self, incarnation: str) -> bool:
        """Tell whether an incarnation was this directory's before the machine was started again: all is gone."""
        return incarnation.startswith(f"{self._word}-")

    def prepare(
        self, task: ProcessTask, workspace: Path, base_env: Mapping[str, str], private: Mapping[str, str]
    ) -> None:
        """Write what the task needs, unless somebody has started it already; `private` are its own files."""
        directory = self.root / attempt_directory(task.key)
        if (directory / CLAIM).exists():
            return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / ABOUT).write_bytes(about(task.key))
        for name, body in task.files.items():
            _file(directory, name).write_bytes(body)
        for name, text in private.items():
            _private(directory, name).write_text(text)
        (directory / "launch").write_bytes(self._launch(task, directory, workspace, base_env))

    def _launch(
        self, task: ProcessTask, directory: Path, workspace: Path, base_env: Mapping[str, str]
    ) -> bytes:
        argv = [_program(task.argv[0]), *(word.replace(_DIR, str(directory)) for word in task.argv[1:])]
        env = {**base_env, **task.env}
        env.update({name: str(directory / f"{PRIVATE}{name}") for name in task.private_files})
        env["WFE_WORKSPACE"] = str(workspace)
        env["WFE_OUTPUT"] = str(directory / OUTPUT)
        if "data.json" in task.files:
            env["WFE_DATA"] = str(directory / "data.json")
        return launch_text(argv, env, os.path.normpath(workspace / task.working_dir))

    def _id(self) -> str:
        """Return the word of this directory: that of whoever was first, whole as soon as it is there."""
        path = self.root / "id"
        if not path.exists():
            word = token_hex(8)
            draft = path.with_name(f".{path.name}.{word}")
            with draft.open("x") as file:
                file.write(word)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text()


def base_environment(environ: Mapping[str, str], inherit: Sequence[str]) -> dict[str, str]:
    """Return what a step gets of the environment of the process that runs the engine, and no more."""
    wanted = {*_INHERITED, *inherit}
    return {name: value for name, value in environ.items() if name in wanted or name.startswith("LC_")}


def _program(name: str) -> str:
    """Resolve a program that came with this installation; others are found on the step's PATH."""
    if name != "deno":
        return name
    try:
        from deno import find_deno_bin  # type: ignore[import-untyped]  # noqa: PLC0415  # few need it

        return str(find_deno_bin())
    except (ImportError, FileNotFoundError):
        return name


def _private(directory: Path, name: str) -> Path:
    """Return an empty file that nobody else can read."""
    path = directory / f"{PRIVATE}{name}"
    path.touch(mode=0o600)
    return path


def forget_private(directory: Path) -> None:
    """Remove the files that were for one attempt alone."""
    for path in directory.glob(f"{PRIVATE}*"):
        path.unlink(missing_ok=True)


def _file(directory: Path, name: str) -> Path:
    if "/" in name or name.startswith(".") or name in TAKEN:
        raise Permanent(f"a task cannot bring a file named `{name}`")
    return directory / name


def _boot() -> str:
    """Return a word for this boot and this container: claims are good for one of each, and one state directory."""
    parts = []
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/1/stat"):
        try:
            parts.append(
                Path(source)
                .read_text()
                .strip()
                .rpartition(") ")[2]
                .split(" ")[-1 if "boot" in source else 19]
            )
        except (OSError, IndexError):
            parts.append("")
    return sha256("/".join(parts).encode()).hexdigest()[:20]


def _replace(path: Path, content: bytes) -> None:
    """Write through a rename: a supervisor that runs reads on in the old file."""
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    draft.write_bytes(content)
    draft.replace(path)
