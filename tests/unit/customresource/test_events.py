"""Events as objects, and reports of activities: made by users as well, and whatever they say."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.customresource.place import NAMESPACE, Place, a_place
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.providers.customresource import WORKFLOW_EVENTS
from wfe.providers.customresource.errors import StoreRefused
from wfe.providers.customresource.provider import StandaloneStore
from wfe.testing.builders import NOON, a_decision
from wfe.testing.messages_contract import an_offer

HOUR = timedelta(hours=1)


async def publish(place: Place, name: str, **spec: Any) -> dict[str, Any]:
    """Make an object as a user does."""
    body = {
        "apiVersion": WORKFLOW_EVENTS.api_version,
        "kind": WORKFLOW_EVENTS.kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    return await place.client.create(WORKFLOW_EVENTS, body, NAMESPACE)


async def heard(store: StandaloneStore, name: str) -> None:
    """Wait until the store's informer knows the object."""
    while store._own[1].get(NAMESPACE, name) is None:
        await store.changes()


async def test_a_users_event_is_found_with_its_payload() -> None:
    async with a_place() as place, place.open_store() as store:
        made = await publish(place, "paid-1", event="paid", key="1", payload={"sum": 3, "of": [None, 1.5]})
        await heard(store, "paid-1")
        found = await store.first_event("paid", "1", after=0, since=None)
        assert found is not None
        assert found.payload == {"sum": 3, "of": [None, 1.5]}
        assert found.sequence == int(made["metadata"]["resourceVersion"])


async def test_an_event_of_the_second_in_which_an_instance_began_is_not_missed() -> None:
    async with a_place() as place, place.open_store() as store:
        made = await publish(place, "e", event="e")
        await heard(store, "e")
        found = await store.first_event("e", "", after=0, since=None)
        assert found is not None
        began = found.published_at.replace(microsecond=900_000)
        assert await store.first_event("e", "", after=0, since=began) == found
        assert found.published_at.isoformat()[:19] == made["metadata"]["creationTimestamp"][:19]


async def test_a_label_on_an_event_does_not_publish_it_again() -> None:
    async with a_place() as place, place.open_store() as store:
        published = await store.publish("e", "k", 1, now=NOON)
        (name,) = [item.metadata.name for item in store._own[1].values()]
        patch = {"metadata": {"labels": {"users": "own"}}}
        await place.client.patch(WORKFLOW_EVENTS, name, NAMESPACE, patch)
        await store.publish("later", "", None, now=NOON)  # the watch has told of the label before
        assert await store.first_event("e", "k", after=published.sequence, since=None) is None


async def test_a_publication_whose_answer_was_lost_is_there_once() -> None:
    async with a_place() as place, place.open_store() as store:
        place.server.faults.lose(verb="create", resource="workflowevents")
        published = await store.publish("e", "k", 1, now=NOON)
        assert await store.first_event("e", "k", after=0, since=None) == published
        assert await store.first_event("e", "k", after=published.sequence, since=None) is None


async def test_a_payload_has_its_limit() -> None:
    async with a_place() as place, place.open_store() as store:
        with pytest.raises(StoreRefused, match="the limit is 65536"):
            await store.publish("e", "k", "x" * 70_000, now=NOON)
        await publish(place, "big", event="e", key="k", payload="x" * 70_000)
        await publish(place, "bad", event="e", key="k", payloadJson="{no json")
        await publish(
            place, "good", event="e", key="k", payload=1, publishedAt="no time", expiresAfter="soon"
        )
        await heard(store, "good")
        found = await store.first_event("e", "k", after=0, since=None)
        assert found is not None
        assert found.payload == 1
        assert await store.first_event("e", "k", after=found.sequence, since=None) is None


async def test_an_event_may_say_how_long_it_is_kept() -> None:
    async with a_place() as place, place.open_store() as store:
        for name, life in {"short": "1h", "usual": None, "long": "48h"}.items():
            said = {"expiresAfter": life} if life else {}
            await publish(place, name, event=name, publishedAt=NOON.isoformat(), **said)
            await heard(store, name)
        now = NOON + 2 * HOUR
        assert await store.expire_events(before=now - 24 * HOUR) == 1
        now = NOON + 25 * HOUR
        assert await store.expire_events(before=now - 24 * HOUR) == 1
        assert await store.first_event("long", "", after=0, since=None)


async def a_claim(store: StandaloneStore) -> dict[str, Any]:
    """Offer an activity, claim it, and return how a report names it."""
    await store.create(a_decision())
    await store.offer(an_offer())
    claim = await store.claim_activity("approval", "w", now=NOON)
    assert claim
    return {"instance": "i1", "path": "approve", "attempt": 1, "token": claim.token}


async def taken(
    store: StandaloneStore, name: str, *, later: timedelta = timedelta()
) -> list[tuple[str, str]]:
    """Take the reports, and return which were refused and why."""
    await heard(store, name)
    refused: list[tuple[str, str]] = []
    await store.take_reports(now=NOON + later, refused=lambda *said: refused.append(said))
    return refused


async def test_a_report_becomes_a_signal_and_goes() -> None:
    async with a_place() as place, place.open_store() as store:
        await publish(place, "r", activity=await a_claim(store), outcome="Complete", outputs={"by": "me"})
        assert await taken(store, "r") == []
        ((_, signal),) = await store.inbox("i1")
        assert signal == TaskEnded(
            path="approve", attempt=1, outcome=TaskOutcome.COMPLETE, outputs={"by": "me"}, ended_at=NOON
        )
        assert await store.claim_activity("approval", "w", now=NOON + HOUR) is None
        assert [one async for one in place.client.list(WORKFLOW_EVENTS, NAMESPACE)] == []


async def test_a_failure_is_reported_with_its_reason() -> None:
    async with a_place() as place, place.open_store() as store:
        await publish(place, "r", activity=await a_claim(store), outcome="Failed", error="no money")
        assert await taken(store, "r") == []
        ((_, signal),) = await store.inbox("i1")
        assert isinstance(signal, TaskEnded)
        assert (signal.outcome, signal.failure and signal.failure.message) == (TaskOutcome.FAILED, "no money")


@pytest.mark.parametrize(
    ("changes", "later", "why"),
    [
        pytest.param({"token": "0" * 32}, timedelta(), "no claim's", id="wrong-token"),
        pytest.param({"token": "a, b in (c)"}, timedelta(), "no claim's", id="token-that-is-no-label"),
        pytest.param({}, timedelta(minutes=1), "has expired", id="expired"),
        pytest.param({"path": "other"}, timedelta(), "another activity", id="another-activity"),
    ],
)
async def test_a_report_of_who_holds_no_claim_is_refused(
    changes: dict[str, str], later: timedelta, why: str
) -> None:
    async with a_place() as place, place.open_store() as store:
        claim = await a_claim(store)
        await publish(place, "r", activity={**claim, **changes}, outcome="Complete")
        ((name, said),) = await taken(store, "r", later=later)
        assert name == "r"
        assert why in said
        assert await store.inbox("i1") == []


async def test_a_report_that_was_taken_twice_is_one_end() -> None:
    async with a_place() as place, place.open_store() as store:
        await publish(place, "r", activity=await a_claim(store), outcome="Complete")
        place.server.faults.answer(403, verb="delete", resource="leases")
        await heard(store, "r")
        with pytest.raises(Exception, match="forbids"):
            await store.take_reports(now=NOON, refused=lambda *_: None)
        assert await taken(store, "r") == []
        signals = [signal for _, signal in await store.inbox("i1")]
        assert signals == [signals[0]] * 2, "the engine takes the end of one attempt once"
