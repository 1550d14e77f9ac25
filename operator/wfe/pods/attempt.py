"""The pod of one attempt (`isolation: pod`), and the ConfigMap with what it brings.

The pod is made behind a scheduling gate, and kept by a finalizer until its result is saved. Where the image has a
shell, `isolated.sh` runs the step and tells what it puts out; else the container's command is the step itself, and
WFE_OUTPUT is its termination message, of which the kubelet keeps 4 KiB.

    /wfe/files      what the task brings, read-only
    /wfe/out/step   the same and WFE_OUTPUT, writable, where there is a shell
    /wfe/result     the termination message

What a step sees of secrets is put there by the kubelet. Nobody can look for their values in what it puts out, so a step
that sees secrets puts out nothing.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from importlib.resources import files
from math import ceil
from posixpath import basename, join, normpath
from typing import Any, Final

from wfe.expr.shell import LIKE_SH
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.frame import environment, literal, pod, same_node
from wfe.pods.home import Home
from wfe.pods.needs import NeedsRefused, Secret, checked_secret
from wfe.pods.resources import resources, task_limit
from wfe.pods.security import container_security
from wfe.pods.settings import PodSettings
from wfe.pods.volumes import (
    FILE_MODE,
    empty,
    own_mounts,
    own_volumes,
    secret_mounts,
    secret_volumes,
    workspace_volume,
)
from wfe.supervisor.launch import launch_text
from wfe.supervisor.outputs import counts_markers
from wfe.supervisor.pod import OUT, OUT_VOLUME, secret_directory, without_comments

CONTAINER: Final = "step"
FILES: Final = "/wfe/files"
OWN: Final = f"{OUT}/step"
RESULT: Final = "/wfe/result"
FILES_VOLUME: Final = "wfe-files"
MOST_BYTES: Final = 1_000_000
_DIR: Final = "{dir}"
_DATA: Final = "data.json"
_LAUNCH: Final = "launch"
_PRIVATE: Final = "private-"


def has_shell(task: ProcessTask) -> bool:
    """Tell whether a task needs, and so has, a shell in its image: it is a script, or a shell's command."""
    return any(_DIR in word for word in task.argv) or basename(task.argv[0]) in LIKE_SH


def sees_secrets(task: ProcessTask) -> bool:
    """Tell whether values of secrets are where the task runs."""
    return bool(_secrets(task))


def has_secrets(pod: Mapping[str, Any]) -> bool:
    """Tell the same of a pod that was made for an attempt."""
    spec = pod["spec"]
    variables = [each for container in spec["containers"] for each in container.get("env") or ()]
    projected = [each.get("projected") or {} for each in spec.get("volumes") or ()]
    sources = [source for each in projected for source in each.get("sources") or ()]
    return any("secretKeyRef" in (each.get("valueFrom") or {}) for each in variables) or any(
        "secret" in source for source in sources
    )


def attempt_pod(home: Home, task: ProcessTask, settings: PodSettings) -> dict[str, Any]:
    """Return the pod of one attempt, gated.

    Raises:
        NeedsRefused: there can be no such pod.
    """
    metadata = home.metadata(labels.attempt_name(task.key), labels.ATTEMPT)
    metadata["labels"] |= {labels.ID: task.key.instance}
    metadata["annotations"] = {
        labels.STEP: task.key.path,
        labels.ATTEMPT_NUMBER: str(task.key.attempt),
        labels.DEFAULT_CONTAINER: CONTAINER,
    }
    if task.shown:
        metadata["annotations"][labels.SHOWN] = task.shown
    if _brought(home, task):
        metadata["annotations"][labels.FILES] = _files_name(home, task)
    metadata["finalizers"] = [labels.FINALIZER]
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": max(1, _seconds(task.grace)),
        "schedulingGates": [{"name": labels.GATE}],
        **same_node(home),
        "containers": [_container(home, task, settings)],
        "volumes": _volumes(home, task, settings),
    }
    if task.timeout is not None:
        # Whoever drives the attempt ends it in time; this is for when nobody does.
        spec["activeDeadlineSeconds"] = _seconds(task.timeout + task.grace + settings.start_within)
    made = pod(metadata, spec, settings)
    made["metadata"]["annotations"][labels.SPEC] = spec_hash(made)
    return made


def task_files(home: Home, task: ProcessTask) -> dict[str, Any] | None:
    """Return the ConfigMap with what the task brings, named by its content; None if it brings nothing.

    Raises:
        NeedsRefused: it is more than such an object may hold.
    """
    brought = _brought(home, task)
    if not brought:
        return None
    total = sum(map(len, brought.values()))
    if total > MOST_BYTES:
        raise NeedsRefused(
            f"the script and the data of a step with a pod of its own have {total} bytes, the limit is {MOST_BYTES}; "
            "keep large values in files of a volume"
        )
    metadata = home.metadata(_files_name(home, task), labels.ATTEMPT)
    metadata["labels"] |= {labels.ID: task.key.instance}
    texts, others = {}, {}
    for name, body in brought.items():
        try:
            texts[name] = body.decode()
        except UnicodeDecodeError:
            others[name] = b64encode(body).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "data": texts,
        "binaryData": others,
    }


def spec_hash(manifest: dict[str, Any]) -> str:
    """Return what tells apart pods that were made from different things."""
    text = json.dumps([manifest["metadata"]["labels"], manifest["spec"]], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:40]


def _container(home: Home, task: ProcessTask, settings: PodSettings) -> dict[str, Any]:
    workspace = home.needs.workspace
    mounts = [*own_mounts(workspace), {"name": OUT_VOLUME, "mountPath": OUT}]
    if _brought(home, task):
        mounts.append({"name": FILES_VOLUME, "mountPath": FILES, "readOnly": True})
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": task.image or home.needs.default_image,
        "imagePullPolicy": settings.pull_policy,
        "workingDir": workspace.mount_path,
        "terminationMessagePath": RESULT,
        "resources": resources(task_limit(task, settings), settings),
        "securityContext": container_security(home.namespace, settings),
        "volumeMounts": [*mounts, *secret_mounts(_file_secrets(task))],
    }
    plain = {variable["name"]: variable for variable in environment()}
    if has_shell(task):
        mode = "secret" if sees_secrets(task) else "markers" if counts_markers(task) else "plain"
        container["command"] = [literal(word) for word in ("/bin/sh", "-c", _wrapper(), "wfe", mode)]
    else:
        container["command"] = [literal(word) for word in task.argv]
        container["workingDir"] = _working_dir(home, task)
        for name, value in _environment(home, task).items():
            plain[name] = {"name": name, "value": literal(value)}
    container["env"] = [*{**plain, **_secret_variables(task)}.values()]
    return container


def _secret_variables(task: ProcessTask) -> dict[str, dict[str, Any]]:
    return {
        name: {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, (secret, key) in sorted(task.secrets.items())
    }


def _volumes(home: Home, task: ProcessTask, settings: PodSettings) -> list[dict[str, Any]]:
    volumes = [
        workspace_volume(home.needs.workspace, home.volume_name, settings),
        *own_volumes(settings),
        empty(OUT_VOLUME, settings.output_size),
        *secret_volumes(_file_secrets(task)),
    ]
    if _brought(home, task):
        source = {"configMap": {"name": _files_name(home, task)}}
        projected = {"defaultMode": FILE_MODE, "sources": [source]}
        volumes.append({"name": FILES_VOLUME, "projected": projected})
    return volumes


def _brought(home: Home, task: ProcessTask) -> dict[str, bytes]:
    """Return the files of the task: its own, the texts that are for it alone, and what the wrapper becomes."""
    own = {f"{_PRIVATE}{name}": text for name, text in task.private_files.items() if isinstance(text, str)}
    found = {**task.files, **{name: text.encode("utf-8", "replace") for name, text in own.items()}}
    if has_shell(task):
        argv = [word.replace(_DIR, OWN) for word in task.argv]
        found[_LAUNCH] = launch_text(argv, _environment(home, task), _working_dir(home, task))
    return found


def _environment(home: Home, task: ProcessTask) -> dict[str, str]:
    shell = has_shell(task)
    directory = OWN if shell else FILES
    env = dict(task.env)
    for name, value in task.private_files.items():
        env[name] = (
            join(directory, f"{_PRIVATE}{name}")
            if isinstance(value, str)
            else join(secret_directory(value[0]), value[1])
        )
    env["WFE_WORKSPACE"] = home.needs.workspace.mount_path
    # What a step that sees secrets puts out would be kept with its pod, for all to read.
    env["WFE_OUTPUT"] = (
        join(OWN, "output") if shell else join(OUT, "output") if sees_secrets(task) else RESULT
    )
    if _DATA in task.files:
        env["WFE_DATA"] = join(directory, _DATA)
    return env


def _working_dir(home: Home, task: ProcessTask) -> str:
    return normpath(join(home.needs.workspace.mount_path, task.working_dir))


def _files_name(home: Home, task: ProcessTask) -> str:
    content = sorted((name, sha256(body).hexdigest()) for name, body in _brought(home, task).items())
    return f"{labels.attempt_name(task.key)}-{sha256(repr(content).encode()).hexdigest()[:12]}"


def _file_secrets(task: ProcessTask) -> list[Secret]:
    return [checked_secret(*value) for value in task.private_files.values() if not isinstance(value, str)]


def _secrets(task: ProcessTask) -> Iterable[Secret]:
    return [*(checked_secret(*where) for where in task.secrets.values()), *_file_secrets(task)]


def _wrapper() -> str:
    return without_comments(files("wfe.pods").joinpath("isolated.sh").read_text("utf-8"))


def _seconds(duration: timedelta) -> int:
    return ceil(duration.total_seconds())
