"""The text a supervisor reads to become a step: directory, environment, arguments."""

import re
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Final

from wfe.errors import Permanent
from wfe.model.task import ProcessTask

_OWN_STREAMS: Final = (b"/dev/std", b"/dev/fd/", b"/proc/self/fd/")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Some shells keep these to themselves: setting one there ends the shell, or does nothing.
_OF_SHELLS: Final = re.compile(
    "_|BASHOPTS|BASH_(ARGC|ARGV|LINENO|SOURCE|VERSINFO)|DIRSTACK|E?UID|FUNCNAME|GROUPS|IFS|LINENO|OPTARG|OPTIND|"
    "PIPESTATUS|POSIXLY_CORRECT|PPID|PS4|RANDOM|SECONDS|SHELLOPTS"
)


class NotLaunchable(Permanent):
    """Something that no process can be given."""


def reopens_streams(task: ProcessTask) -> bool:
    """Guess whether a task opens its own stdout or stderr anew, as in `echo sorry >/dev/stderr`.

    Behind a file that would empty the log. Programs that do so without the script's naming it are not found.
    """
    return any(name in text for text in task.files.values() for name in _OWN_STREAMS)


def launch_text(argv: Sequence[str], env: Mapping[str, str], directory: str) -> bytes:
    """Return the text; every value arrives as it is, whatever characters it has."""
    for name in env:
        if not _NAME.fullmatch(name):
            raise NotLaunchable(
                f"`{name}` cannot name an environment variable; use letters, digits and underscores"
            )
    if any("\0" in text for text in (*argv, *env.values(), directory)):
        raise NotLaunchable("an argument or environment variable holds a NUL character; pass it in a file")
    lines = [_change_to(directory)]
    lines += [
        f"export {name}={quote(value)}" for name, value in env.items() if not _OF_SHELLS.fullmatch(name)
    ]
    lines.append(" ".join(["set --", *map(quote, _through_env(argv, env))]))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _change_to(directory: str) -> str:
    sorry = quote(f"wfe: there is no directory {directory} to work in")
    return f"cd {quote(directory)} 2>/dev/null || {{ printf '%s\\n' {sorry} >&2; exit 126; }}"


def _through_env(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    kept = [f"{name}={value}" for name, value in env.items() if _OF_SHELLS.fullmatch(name)]
    return ["env", *kept, *argv] if kept else list(argv)
