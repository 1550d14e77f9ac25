"""Secrets of a run: from `--secret`, from files, never kept."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from wfe.hosts.cli.finish import Asked


def secrets_of(asked: Asked, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of `--secrets PATH`, then those of `--secret`."""
    path = asked.raw["secrets_path"]
    return {
        **(read_secrets(path) if isinstance(path, Path) else {}),
        **given_secrets(asked.texts("secrets"), environ),
    }


def given_secrets(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return secrets by `NAME=VALUE`; `NAME` alone takes the environment's variable of that name."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and name not in environ:
            raise click.BadParameter(
                f"the environment has no `{name}`; write {name}=VALUE", param_hint="--secret"
            )
        found[name] = value if equals else environ[name]
    return found


def read_secrets(path: Path) -> dict[str, str]:
    """Read a directory, in which `NAME` or `NAME/KEY` is a file of its value, or a file of NAME=VALUE lines."""
    try:
        if path.is_dir():
            files = (file for file in sorted(path.rglob("*")) if file.is_file())
            return {str(file.relative_to(path)): file.read_text("utf-8").removesuffix("\n") for file in files}
        return _lines(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise click.BadParameter(f"`{path}` cannot be read: {reason}", param_hint="--secrets") from error


def _lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise click.BadParameter(f"line {number} is not of the form NAME=VALUE", param_hint="--secrets")
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[name.strip().removeprefix("export ")] = value[1:-1] if quoted else value
    return found


def missing_secrets(names: list[str]) -> None:
    """Refuse to go on without secrets that an instance was started with; their values are nowhere kept."""
    if names:
        needed = " ".join(f"--secret {name}=…" for name in names)
        raise click.BadParameter(
            f"the instance needs them, and they are not kept: {needed}", param_hint="--secret"
        )
