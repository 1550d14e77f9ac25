"""How an instance was run, so that `wfe resume` runs the rest of it in the same way.

Kept beside the files of its steps. Names of secrets are kept and their values never.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Way:
    """The options that matter to steps."""

    workspace: str = "."
    env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    def with_asked(self, workspace: Path | None, env: tuple[str, ...]) -> "Way":
        """Return it with what a later command asks for instead."""
        return replace(
            self,
            workspace=str(workspace.absolute()) if workspace else self.workspace,
            env=env or self.env,
        )


def remember(state: Path, instance: str, way: Way) -> None:
    """Keep how an instance was run."""
    directory = state / "runs"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / f"{instance}.json").write_text(json.dumps(asdict(way)))


def recall(state: Path, instance: str) -> Way:
    """Return how an instance was run, or the defaults if nobody remembers."""
    try:
        found = json.loads((state / "runs" / f"{instance}.json").read_text())
        return Way(found["workspace"], tuple(found["env"]), tuple(found["secrets"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Way()
