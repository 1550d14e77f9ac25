"""What the workflows of one instance tree need of a pod: containers for the images of their steps, services, secrets,
a workspace.

It is known before anything runs, from the pinned definitions: the root's, and those of the children that it names.
What is only known once a step runs (an image or a secret with a placeholder in it) is not here; such a step gets a pod
of its own, and so does one that asks for more than its container has.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from posixpath import normpath
from typing import Final

from wfe.definition.services import Service
from wfe.definition.specs import task_config
from wfe.definition.step import Step
from wfe.definition.workflow import WorkflowModel
from wfe.errors import Permanent
from wfe.expr.template import has_placeholders
from wfe.model.json import Data, Json
from wfe.pods.quantities import NoAmount, bytes_of, memory_text, thousandths_of
from wfe.steps import BUILTIN
from wfe.supervisor.pod import WORKSPACE, container_name

MOST_IMAGES: Final = 8
_PROCESSES: Final = frozenset(BUILTIN) - {"python"}
_SECRET_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_SECRET_KEY: Final = re.compile(r"(?!\.\.)[-._a-zA-Z0-9]{1,253}")
# Nothing is mounted over what the kernel and we have in a container; a workspace hides no programs either.
_OURS: Final = re.compile(r"/|/(wfe|proc|sys|dev)(/.*)?")
_PROGRAMS: Final = re.compile(r"/(etc|bin|sbin|lib|lib64)(/.*)?|/(usr|run|tmp|var)")

Secret = tuple[str, str]
Fill = Callable[[str, Data], Data]


class NeedsRefused(Permanent):
    """No pod can be what the workflows need; the text says why, and the way out."""


class WorkspaceKind(StrEnum):
    """Where the files of steps live: as long as the pod, as long as the instance, or for the step alone."""

    POD = "pod"
    VOLUME = "volume"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where steps find the files of others; sizes are bytes."""

    kind: WorkspaceKind = WorkspaceKind.POD
    mount_path: str = WORKSPACE
    size: int | None = None
    storage_class: str | None = None
    restart_when_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContainer:
    """A container for the steps of one image.

    `memory` (bytes) and `cpu` (thousandths) are the largest that its steps ask for; `memory_unsaid` and `cpu_unsaid`
    tell that one of them leaves it to the default, which then is the least that the container has.
    """

    image: str
    name: str
    memory: int = 0
    cpu: int = 0
    memory_unsaid: bool = False
    cpu_unsaid: bool = False
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Everything that the pod of an instance tree is made from, besides the settings.

    Attributes:
        default_image: the one that steps run in that name none.
        containers: for the images of steps, in the order of the file, the default one first.
        notes: what a reader should know; nothing that keeps it from running.
    """

    default_image: str
    containers: tuple[StepContainer, ...] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    workspace: Workspace = Workspace()
    notes: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that steps see, by name and key."""
        return tuple(sorted({secret for container in self.containers for secret in container.secrets}))


def needs_of(models: Sequence[WorkflowModel], *, default_image: str, fill: Fill | None = None) -> Needs:
    """Return what the workflows of a tree need.

    Args:
        models: the root first, then its static children.
        fill: fills in the placeholders of a service, given the id of its workflow and what is written.

    Raises:
        NeedsRefused: two services listen on one port, a size is none, and the like.
    """
    gathered = _Containers(default_image)
    for model in models:
        for step in _steps_of(model):
            gathered.add(step)
    return Needs(
        default_image=default_image,
        containers=gathered.kept(),
        services=_services(models, fill or (lambda _, written: written)),
        workspace=_workspace(models),
        notes=(*gathered.notes(), *_side_by_side(models, gathered)),
    )


def _steps_of(model: WorkflowModel) -> Iterator[Step]:
    for place in model.walk():
        if _runs_in_runner(place.step):
            yield place.step


def _runs_in_runner(step: Step) -> bool:
    is_process = step.kind in _PROCESSES and step.given() in ([], ["poll"])
    has_work = step.config is not None or step.poll is not None
    return is_process and has_work and step.isolation != "pod"


def _literal(value: Json) -> str | None:
    """Return a value that is known before anything runs, as text."""
    if value is None or isinstance(value, dict | list | bool):
        return None
    text = str(value)
    return None if has_placeholders(text) else text


class _Containers:
    """The containers, as steps are found."""

    def __init__(self, default_image: str) -> None:
        self._default = default_image
        self._found: dict[str, StepContainer] = {}

    def add(self, step: Step) -> None:
        config = task_config(step)
        image = self.image_of(config)
        if image is None:
            return
        name = container_name(None if image == self._default else image)
        known = self._found.get(image) or StepContainer(image=image, name=name)
        memory, cpu = amount_of(config, "memory", bytes_of), amount_of(config, "cpu", thousandths_of)
        self._found[image] = replace(
            known,
            memory=max(known.memory, memory),
            cpu=max(known.cpu, cpu),
            memory_unsaid=known.memory_unsaid or memory == 0,
            cpu_unsaid=known.cpu_unsaid or cpu == 0,
            secrets=tuple(sorted({*known.secrets, *_secrets(config)})),
        )

    def image_of(self, config: Data) -> str | None:
        """Return the image of a step; None while nobody knows it."""
        written = config.get("image")
        return self._default if written is None else _literal(written)

    def memory_of(self, image: str) -> int:
        found = self._found.get(image)
        return found.memory if found else 0

    def kept(self) -> tuple[StepContainer, ...]:
        found = sorted(self._found.values(), key=lambda one: one.image != self._default)
        # A pod has a container even if its steps are all found out later.
        return tuple(found[:MOST_IMAGES]) or (
            StepContainer(
                image=self._default, name=container_name(None), memory_unsaid=True, cpu_unsaid=True
            ),
        )

    def notes(self) -> Iterator[str]:
        beyond = {*self._found} - {container.image for container in self.kept()}
        if beyond:
            names = ", ".join(f"`{image}`" for image in sorted(beyond))
            yield f"steps of {names} get pods of their own: a runner has at most {MOST_IMAGES} images"


def amount_of(config: Data, key: str, read: Callable[[str], int]) -> int:
    """Return an amount that a step asks for; 0 if it asks for none, or nobody knows yet."""
    text = _literal(config.get(key))
    if text is None:
        return 0
    try:
        return read(text)
    except NoAmount as error:
        raise NeedsRefused(f"{key}: {error}") from error


def _secrets(config: Data) -> Iterator[Secret]:
    for key in ("env", "files"):
        values = config.get(key)
        for value in values.values() if isinstance(values, dict) else ():
            match value:
                case {"secret": {"name": str(name), "key": str(of)}}:
                    if _literal(name) is not None and _literal(of) is not None:
                        yield checked_secret(name, of)
                case _:
                    pass


def checked_secret(name: str, key: str) -> Secret:
    """Return a secret's name and key, if Kubernetes can have them.

    Raises:
        NeedsRefused: it cannot.
    """
    if not _SECRET_NAME.fullmatch(name):
        raise NeedsRefused(f"`{name}` cannot name a Secret; use lower-case letters, digits, hyphens and dots")
    if not _SECRET_KEY.fullmatch(key) or key == ".":
        raise NeedsRefused(
            f"`{key}` cannot be a key of Secret `{name}`; use letters, digits, `-`, `_` and `.`"
        )
    return name, key


def _services(models: Sequence[WorkflowModel], fill: Fill) -> Mapping[str, Service]:
    found: dict[str, Service] = {}
    for model in models:
        for name, written in model.services.items():
            service = _filled(model.id, name, written, fill)
            if found.setdefault(name, service) != service:
                raise NeedsRefused(
                    f"two workflows of this instance have a service `{name}`, and they differ; rename one of them"
                )
    _refuse_equal_ports(found)
    return found


def _filled(workflow: str, name: str, written: Service, fill: Fill) -> Service:
    plain = written.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        return Service.model_validate(fill(workflow, plain))
    except ValueError as error:
        raise NeedsRefused(
            f"service `{name}` is not one once its placeholders are filled in: {error}"
        ) from error


def _refuse_equal_ports(services: Mapping[str, Service]) -> None:
    taken: dict[int, str] = {}
    for name, service in services.items():
        for port in dict.fromkeys(service.ports):
            if port in taken:
                raise NeedsRefused(
                    f"services `{taken[port]}` and `{name}` both listen on port {port}, and they share one network; "
                    "give one of them another port"
                )
            taken[port] = name


def _workspace(models: Sequence[WorkflowModel]) -> Workspace:
    """Return what the root says, or else the first child that says anything."""
    said = next((m for m in models if m.shared_volume is not None or m.workspace is not None), models[0])
    volume = said.shared_volume
    kind = WorkspaceKind.VOLUME if volume is not None else WorkspaceKind(said.workspace or "pod")
    workspace = Workspace(kind=kind, restart_when_lost=models[0].on_workspace_lost == "restart")
    if volume is None:
        return workspace
    try:
        size = None if volume.size is None else bytes_of(volume.size)
    except NoAmount as error:
        raise NeedsRefused(f"shared_volume.size: {error}") from error
    return replace(
        workspace,
        mount_path=_workspace_path(volume.mount_path),
        size=size,
        storage_class=volume.storage_class,
    )


def checked_path(path: str, where: str) -> str:
    """Return a directory that may be mounted over, in its shortest form.

    Raises:
        NeedsRefused: it is none, or it is ours.
    """
    shortest = normpath(path)
    if not path.startswith("/") or ":" in path or not path.isprintable():
        raise NeedsRefused(f"{where}: `{path}` is not an absolute path; write one like `/workspace`")
    if shortest.startswith("//") or _OURS.fullmatch(shortest):
        raise NeedsRefused(f"{where}: `{path}` is needed by the container itself; take another directory")
    return shortest


def _workspace_path(path: str) -> str:
    shortest = checked_path(path, "shared_volume.mount_path")
    if _PROGRAMS.fullmatch(shortest):
        raise NeedsRefused(
            f"shared_volume.mount_path: a workspace at `{path}` would hide what images have there; "
            "take another directory, as `/workspace`"
        )
    return shortest


def _side_by_side(models: Sequence[WorkflowModel], containers: _Containers) -> Iterator[str]:
    """Say where branches together ask for more memory than the container that they share has."""
    for model in models:
        for place in model.walk():
            for image, memory in _together(place.step.parallel or (), containers).items():
                if memory > containers.memory_of(image):
                    yield (
                        f"branches of `{place.step.name or 'parallel'}` share a container of "
                        f"{memory_text(containers.memory_of(image))} and ask for {memory_text(memory)} together"
                    )


def _together(branches: Sequence[Step], containers: _Containers) -> Mapping[str, int]:
    total: dict[str, int] = {}
    for branch in branches:
        most: dict[str, int] = {}
        for step in _with_inner(branch):
            image = containers.image_of(task_config(step)) if _runs_in_runner(step) else None
            if image is not None:
                most[image] = max(most.get(image, 0), amount_of(task_config(step), "memory", bytes_of))
        for image, memory in most.items():
            total[image] = total.get(image, 0) + memory
    return total


def _with_inner(step: Step) -> Iterator[Step]:
    yield step
    for _, steps in step.groups():
        for inner in steps:
            yield from _with_inner(inner)
