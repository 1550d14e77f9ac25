"""Values of secrets on a laptop: those that the host was given, by name."""

from collections.abc import Mapping

from wfe.errors import Permanent


class SecretMissing(Permanent):
    """A task needs a secret that nobody gave."""


def find_secret(secrets: Mapping[str, str], name: str, key: str) -> str:
    """Return the value under `name/key`, or else under `name` alone."""
    for wanted in (f"{name}/{key}", name):
        if wanted in secrets:
            return secrets[wanted]
    raise SecretMissing(
        f"there is no secret `{name}` with a key `{key}` here; give it as `{name}/{key}`, or as `{name}`"
    )
