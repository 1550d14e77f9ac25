"""The workflows behind the golden manifests. `python -m tests.golden.pods.manifests` writes the files anew."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from tests.unit.pods.homes import IMAGE, OWNER, SETTINGS, a_home, a_step, a_task, a_workflow
from wfe.model.ids import AttemptKey
from wfe.pods.attempt import attempt_pod, task_files
from wfe.pods.frame import literal
from wfe.pods.home import Home, Owner
from wfe.pods.runner import pool_pod, runner_pod
from wfe.pods.volumes import volume_claim
from wfe.supervisor.pod import pid_1

HERE: Final = Path(__file__).parent
BUSYBOX: Final = "localhost/busybox:testbed"
Manifests = list[dict[str, Any]]
SECRET: Final = {"secret": {"name": "registry", "key": "token"}}


def _runner(home: Home) -> Manifests:
    return [runner_pod(home, SETTINGS)]


def _with_volume(home: Home) -> Manifests:
    return [volume_claim(home, SETTINGS), runner_pod(home, SETTINGS)]


def _attempt(**changes: Any) -> Callable[[Home], Manifests]:
    def make(home: Home) -> Manifests:
        task = a_task(key=AttemptKey(home.root, "build", 1), **changes)
        files = task_files(home, task)
        return [*([] if files is None else [files]), attempt_pod(home, task, SETTINGS)]

    return make


CASES: Final[Mapping[str, tuple[dict[str, Any], Callable[[Home], Manifests]]]] = {
    "one_image": ({}, _runner),
    "two_images_and_secrets": (
        {
            "steps": [
                a_step("a"),
                a_step("b", image=BUSYBOX, memory="256Mi", cpu="250m", env={"TOKEN": SECRET}),
            ]
        },
        _runner,
    ),
    "volume": ({"shared_volume": {"mount_path": "/src", "size": "1Gi"}}, _with_volume),
    "services": (
        {
            "services": {
                "web": {
                    "image": IMAGE,
                    "ports": [8080],
                    "command": ["python3", "-m", "http.server", "8080"],
                    "readiness": {"http": {"port": 8080}, "interval": "1s", "timeout": "30s"},
                },
                "store": {
                    "image": IMAGE,
                    "command": ["sh", "-c", "echo $$ >/data/pid; exec sleep 1000"],
                    "env": {"PLAIN": "a $(b) $c", "TOKEN": SECRET},
                    "data": ["/data"],
                    "run_as_user": 999,
                    "readiness": {"exec": ["test", "-s", "/data/pid"], "interval": "1s"},
                    "memory": "64Mi",
                },
            }
        },
        _runner,
    ),
    "pool": ({}, lambda home: [pool_pod(SETTINGS, namespace=home.namespace)]),
    "attempt_with_a_shell": ({}, _attempt()),
    "attempt_without_a_shell": (
        {},
        _attempt(argv=("/app", "$(X)"), files={"data.json": b"{}"}, image="localhost/app:1", working_dir="a"),
    ),
    "attempt_with_secrets_and_a_volume": (
        {"shared_volume": {}},
        _attempt(
            secrets={"TOKEN": ("registry", "token")},
            private_files={"CA": ("registry", "token"), "TEXT": "text"},
            memory="100Mi",
            cpu="1",
            grace=timedelta(seconds=30),
        ),
    ),
}


def manifests(name: str, *, namespace: str = "default", owner: Owner = OWNER) -> Manifests:
    """Return the manifests of a case."""
    fields, make = CASES[name]
    written = dict(fields)
    model = a_workflow(*written.pop("steps", ()), **written)
    return make(a_home(model, namespace=namespace, owner=owner))


class _Dumper(yaml.SafeDumper):
    """Writes scripts as blocks, and nothing as a reference to something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, "|" if "\n" in text else None
    ),
)


def text_of(name: str) -> str:
    """Return the text of a golden file; PID 1 of a runner has tests of its own."""
    return yaml.dump_all(map(_without_script, manifests(name)), Dumper=_Dumper, sort_keys=True, width=110)


def _without_script(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_script(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_script(inner) for inner in value]
    return "(the text of pid1.sh)" if value == literal(pid_1()) else value


if __name__ == "__main__":
    for each in CASES:
        (HERE / f"{each}.yaml").write_text(text_of(each))
