"""Builds what the operator is made of, from its settings. Nothing here connects to anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from wfe.errors import Permanent
from wfe.executors.pod import PodExecutor
from wfe.executors.pod.seen import AttemptPod
from wfe.executors.runner import RunnerExecutor, RunnerPod, RunnerSettings
from wfe.expr.duration import parse_duration
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.ground import Footing
from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.hosts.kubernetes.keeping import Keeper
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.objects import WorkflowObject
from wfe.hosts.kubernetes.placing import Pods
from wfe.hosts.kubernetes.pool import Pool
from wfe.hosts.kubernetes.resting import Rests
from wfe.hosts.kubernetes.settings import Runner, Settings, SettingsInvalid
from wfe.hosts.kubernetes.shards import Share, is_first
from wfe.kube import Client, Informer
from wfe.kube.resource import PODS
from wfe.pods import labels
from wfe.pods.quantities import NoAmount, bytes_of, thousandths_of
from wfe.pods.settings import Amounts, PodSettings
from wfe.ports.provider import Provider
from wfe.providers import find, without_secrets
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS, EventObject, InstanceObject

ACTIVE: Final = "status.active!=false"


@dataclass(frozen=True, slots=True)
class Caches:
    """What is watched, whatever this replica works."""

    instances: Informer[InstanceObject]
    events: Informer[EventObject]
    workflows: Informer[WorkflowObject]
    runners: Informer[RunnerPod]
    attempts: Informer[AttemptPod]
    idle: Informer[RunnerPod]

    @classmethod
    def of(cls, client: Client, settings: Settings) -> "Caches":
        """Make them; whoever makes them runs them."""
        namespaces = settings.namespaces or None
        return cls(
            Informer(client, INSTANCES, InstanceObject, namespaces=namespaces, fields=ACTIVE),
            Informer(client, WORKFLOW_EVENTS, EventObject, namespaces=namespaces),
            Informer(client, WORKFLOWS, WorkflowObject, namespaces=namespaces),
            Informer(client, PODS, RunnerPod, namespaces=namespaces, labels=f"{labels.ROLE}={labels.RUNNER}"),
            Informer(
                client, PODS, AttemptPod, namespaces=namespaces, labels=f"{labels.ROLE}={labels.ATTEMPT}"
            ),
            Informer(client, PODS, RunnerPod, namespaces=namespaces, labels=f"{labels.ROLE}={labels.POOL}"),
        )

    def by_name(self) -> "Mapping[str, Informer[Any]]":
        """Return them by the names that people know them by."""
        return {
            "workflowinstances": self.instances,
            "workflowevents": self.events,
            "workflows": self.workflows,
            "runner pods": self.runners,
            "attempt pods": self.attempts,
            "pool pods": self.idle,
        }


class NoLeases(Permanent):
    """The URL names a server that keeps no leases."""


def valkey_of(settings: Settings, *, now: Callable[[], datetime]) -> Provider | None:
    """Return the server that keeps the leases of replicas; None where none is named.

    Raises:
        UrlInvalid: the URL is not understood.
        NoLeases: the server it names keeps none.
    """
    url = settings.servers.valkey.get_secret_value()
    if not url:
        return None
    provider = find(url)
    if provider.leases(settings.identity, now=now) is None:
        raise NoLeases(
            f"WFE_VALKEY_URL is `{without_secrets(url)}`, which keeps no leases; use `redis://…`, the URL of a "
            "Valkey server"
        )
    return provider


def footing_of(
    archives: Archives, caches: Caches, homes: TreeHomes, settings: Settings, metrics: Metrics, share: Share
) -> Footing:
    """Make the executors of a term; what steps write goes to the archives."""
    client = archives.client
    pods = pod_settings(settings.runner)
    of_runners = RunnerSettings(pods=pods, start_patience=pods.trouble_within)
    runner = RunnerExecutor(client, caches.runners, homes, of_runners, sink=archives, now=client.now)
    isolated = PodExecutor(client, homes.home, pods, archives, informer=caches.attempts)
    written = settings.runner.pool
    namespaces = written.namespaces or settings.namespaces
    pool = Pool(client, caches.idle, caches.runners, pods, written.size, namespaces, partial(is_first, share))
    started = metrics.dispatch_seconds.observe
    keeper = Keeper(runner, isolated, homes, archives)

    def has_pod(root: str) -> bool:
        every = (pod for pod in caches.runners.values() if pod.metadata.labels.get(labels.ROOT) == root)
        return any(not pod.is_ending and not pod.is_over for pod in every)

    after = parse_duration(settings.runner.release_after)
    rests = Rests(runner, keeper, homes, after, client.now, has_pod)
    tasks = Pods(
        runner, isolated, now=client.now, started=started, pool=pool, homes=homes, leaving=rests.leaving
    )
    return Footing(runner, isolated, homes, archives, keeper, tasks, pool, rests)


def pod_settings(runner: Runner) -> PodSettings:
    """Return the settings of pods.

    Raises:
        SettingsInvalid: an amount is none.
    """
    plain = PodSettings()
    limits, requests = runner.resources.limits, runner.resources.requests
    return PodSettings(
        image=runner.image,
        pull_policy=runner.image_pull_policy,
        pull_secrets=runner.image_pull_secrets,
        default=_amounts("limits", limits, plain.default),
        request=_amounts("requests", requests, plain.request),
        storage_class=runner.storage_class_name,
        root_namespaces=frozenset(runner.root_namespaces),
        node_selector=runner.node_selector or plain.node_selector,
        tolerations=runner.tolerations,
        priority_class=runner.priority_class_name,
        trouble_within=parse_duration(runner.start_patience),
    )


def _amounts(name: str, written: Mapping[str, Any], default: Amounts) -> Amounts:
    try:
        return Amounts(
            memory=bytes_of(str(written["memory"])) if "memory" in written else default.memory,
            cpu=thousandths_of(str(written["cpu"])) if "cpu" in written else default.cpu,
        )
    except (NoAmount, Permanent) as error:
        raise SettingsInvalid(f"runner.resources.{name}: {error}") from error
