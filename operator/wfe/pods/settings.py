"""What the operator's administrator decides about pods; the host reads it from the chart's values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

GIBI: Final = 1024**3
MEBI: Final = 1024**2

PullPolicy = Literal["Always", "IfNotPresent", "Never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Memory in bytes, processor time in thousandths of one."""

    memory: int
    cpu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """What holds for every pod that steps run in.

    Attributes:
        image: where steps run that name no image.
        default: what a step may use that does not say it.
        maximum: what a step may ask for; a runner's container gets no more, a step that asks for more fails.
        request: what a container is sure to have; the rest it gets while nobody else needs it.
        service: what a service may use that does not say it.
        workspace_size: how large an emptyDir workspace may grow, and a volume that names no size is.
        maximum_volume: how large a volume may be.
        storage_class: of volumes that name none; "" is the cluster's own.
        output_size: how much the steps of one runner may write to stdout and stderr until it is stored.
        temporary_size: of HOME, of /tmp, and of each directory that a service writes to.
        images: what images must begin with; none named is any image.
        read_only_root: whether containers can write only to volumes. Ordinary images of compilers and databases write
            elsewhere too, so it is not the default; Pod Security does not ask for it.
        root_namespaces: where containers run as root, with the capabilities that images expect.
        labels, annotations: on every pod, besides ours.
        start_within: how long an isolated pod may take to start, its image's coming included.
        trouble_within: how long it may say that it cannot start; some troubles pass.
    """

    image: str = "wfe-runner:latest"
    pull_policy: PullPolicy = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    default: Amounts = Amounts(memory=GIBI, cpu=1000)
    maximum: Amounts = Amounts(memory=64 * GIBI, cpu=32_000)
    request: Amounts = Amounts(memory=64 * MEBI, cpu=50)
    service: Amounts = Amounts(memory=GIBI, cpu=1000)
    workspace_size: int = 10 * GIBI
    maximum_volume: int = 1024 * GIBI
    storage_class: str = ""
    output_size: int = 2 * GIBI
    temporary_size: int = 2 * GIBI
    images: tuple[str, ...] = ()
    read_only_root: bool = False
    root_namespaces: frozenset[str] = frozenset()
    node_selector: Mapping[str, str] = field(default_factory=lambda: {"kubernetes.io/os": "linux"})
    tolerations: tuple[Mapping[str, Any], ...] = ()
    priority_class: str = ""
    runtime_class: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    start_within: timedelta = timedelta(minutes=10)
    trouble_within: timedelta = timedelta(minutes=2)
