"""When there is no place for a pod: what may change is waited for, and said; what will not, fails the step."""

from dataclasses import dataclass, field

from tests.unit.hosts_kubernetes.world import Cluster, Quick, a_cluster
from wfe.errors import Permanent, Retryable
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask

USED_UP = 'Pod wfe-r-1: pods "wfe-r-1" is forbidden: exceeded quota: small'


@dataclass
class Crowded(Quick):
    """Admits nothing as long as it has refusals left."""

    refusals: list[Exception] = field(default_factory=list)

    @property
    def admits(self) -> bool:
        return True

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        return not self.refusals and super().takes(task, incarnation)

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        return await super().admit(task, instance)


async def told(cluster: Cluster, reason: str) -> None:
    while ("i", reason) not in await cluster.events():
        pass


async def test_one_that_cannot_begin_for_a_quota_says_so_and_begins_when_there_is_room() -> None:
    async with a_cluster() as cluster:
        crowded = cluster.footing.quick = Crowded(refusals=[Retryable(USED_UP)] * 1000)
        async with cluster.leading():
            await cluster.define("w", "a")
            await cluster.start("i", "w")
            status = await cluster.reason("i", "NotYet")
            assert (status["phase"], status["message"]) == ("Pending", USED_UP)
            assert [(one["type"], one["status"]) for one in status["conditions"]] == [("Accepted", "False")]
            await told(cluster, "NotYet")
            crowded.refusals.clear()
            # What has changed is looked at before its turn.
            await cluster.change("i", ttlAfterFinished="1h")
            assert (await cluster.settled("i"))["phase"] == "Complete"


async def test_one_that_runs_says_why_it_does_not_go_on_and_goes_on_when_there_is_room() -> None:
    async with a_cluster() as cluster:
        crowded = cluster.footing.quick = Crowded()
        async with cluster.leading():
            await cluster.define("w", "slow", "b")
            instance = await cluster.start("i", "w")
            await cluster.until("i", lambda status: status.get("step") == "slow")
            crowded.refusals = [Retryable(USED_UP)] * 2
            crowded.ends(instance, "slow")
            await told(cluster, "NotYet")
            assert (await cluster.settled("i"))["phase"] == "Complete"


async def test_a_pod_that_is_refused_for_good_fails_the_step() -> None:
    async with a_cluster() as cluster:
        refusal = Permanent("Pod wfe-r-1 may not be made: violates PodSecurity")
        cluster.footing.quick = Crowded(refusals=[refusal])
        async with cluster.leading():
            await cluster.define("w", "a")
            await cluster.start("i", "w")
            status = await cluster.settled("i")
            assert (status["phase"], status["reason"]) == ("Failed", "ConfigInvalid")
            assert "violates PodSecurity" in status["message"]
            await told(cluster, "Failed")
