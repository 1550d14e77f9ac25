"""What every store promises about signals, events, definitions and activities. See `store_contract`."""

import asyncio
from datetime import timedelta

import pytest

from wfe.errors import NotFound
from wfe.model.instance import WorkflowRef
from wfe.model.signals import CancelRequested, EventArrived, ResumeRequested, Signal, SuspendRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import ActivityOffer, Definition, Store
from wfe.testing.builders import NOON, a_decision, an_instance, the_next
from wfe.testing.store_contract import ODD, MakeStore, opened

SECOND = timedelta(seconds=1)


def an_offer(path: str = "approve", attempt: int = 1, instance: str = "i1") -> ActivityOffer:
    """Return an offer of `approval` that a worker may hold for a minute."""
    minute = timedelta(minutes=1)
    return ActivityOffer(
        instance=instance, path=path, attempt=attempt, name="approval", params=ODD, claim=minute
    )


def a_definition(workflow: str, version: int, source: str) -> Definition:
    """Return a definition whose digest is made of its source."""
    return Definition(workflow=WorkflowRef(workflow, version, f"sha-{source}"), source=source)


class MessagesContract:
    """Signals wait in order, events are found by cursor, activities have one holder at a time."""

    async def test_signals_wait_in_order_and_come_back_equal(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision())
            arrived = EventArrived(path="w", attempt=1, sequence=3, payload=ODD)
            signals: list[Signal] = [
                SuspendRequested(reason="lunch"),
                arrived,
                ResumeRequested(),
                CancelRequested(),
            ]
            sequences = [await store.post("i1", signal) for signal in signals]
            assert await store.inbox("i1") == list(zip(sequences, signals, strict=True))
            assert sequences == sorted(set(sequences))

    async def test_a_signal_for_nobody_is_refused(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            with pytest.raises(NotFound, match="nobody"):
                await store.post("nobody", CancelRequested())

    async def test_a_save_consumes_its_signals_and_no_others(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            for name in ("a", "b"):
                await store.create(a_decision(an_instance(name)))
            mine = [await store.post("a", CancelRequested()) for _ in range(3)]
            theirs = await store.post("b", CancelRequested())
            await store.save(the_next(an_instance("a")()), consumed=[mine[0], mine[2], theirs])
            left = [[sequence for sequence, _ in await store.inbox(name)] for name in ("a", "b")]
            assert left == [[mine[1]], [theirs]]

    async def test_inboxes_are_those_of_unfinished_instances_with_signals(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            for name, status in {"a": "Running", "b": "Running", "c": "Complete"}.items():
                await store.create(a_decision(an_instance(name, status=InstanceStatus(status))))
            for name in ("a", "c"):
                await store.post(name, CancelRequested())
            assert await store.inboxes() == ["a"]

    async def test_an_event_is_found_as_it_was_published(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            published = await store.publish("paid", "order 1", ODD, now=NOON)
            found = await store.first_event("paid", "order 1", after=0, since=None)
            assert found == published
            assert (published.payload, published.published_at) == (ODD, NOON)

    async def test_events_are_taken_one_after_the_other(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            sequences = []
            for number in range(3):
                await store.publish("other", "k", None, now=NOON)
                await store.publish("e", "other", None, now=NOON)
                sequences.append((await store.publish("e", "k", number, now=NOON)).sequence)
            assert await payloads(store, since_seconds=None) == [0, 1, 2]
            assert sequences == sorted(sequences)

    async def test_events_before_since_are_passed_over(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            for number in range(4):
                await store.publish("e", "k", number, now=NOON + number * SECOND)
            assert await payloads(store, since_seconds=2) == [2, 3]
            assert await payloads(store, since_seconds=4) == []

    @pytest.mark.parametrize("key", ["", "\n", "\0", "half \ud83d", "ключ", "' OR 1 --"])
    async def test_an_events_key_may_be_any_text(self, make_store: MakeStore, key: str) -> None:
        async with opened(make_store()) as store:
            published = await store.publish(key or "e", key, 1, now=NOON)
            found = await store.first_event(key or "e", key, after=0, since=NOON)
            assert found
            assert found.sequence == published.sequence

    async def test_expired_events_are_gone_and_their_numbers_stay_used(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            for number in range(3):
                await store.publish("e", "k", number, now=NOON + number * SECOND)
            last = await store.first_event("e", "k", after=0, since=NOON + 2 * SECOND)
            assert last
            assert await store.expire_events(before=NOON + 2 * SECOND) == 2
            assert await payloads(store, since_seconds=None) == [2]
            assert await store.expire_events(before=NOON + timedelta(days=1)) == 1
            assert await store.expire_events(before=NOON + timedelta(days=1)) == 0
            later = await store.publish("e", "k", 9, now=NOON)
            assert later.sequence > last.sequence

    async def test_writing_wakes_who_waits_for_changes(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store, asyncio.timeout(5):
            await store.create(a_decision())
            await store.changes()  # of what was written before nobody knows
            waiting = asyncio.create_task(store.changes())
            await store.post("i1", CancelRequested())
            await waiting

    async def test_a_write_between_two_waits_is_not_missed(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store, asyncio.timeout(5):
            await store.create(a_decision())
            await store.changes()
            await store.publish("e", "k", 1, now=NOON)
            await store.changes()

    async def test_a_definition_is_found_by_its_digest(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            definition = a_definition("w", 1, "one")
            await store.put_definition(definition)
            assert await store.definition("sha-one") == definition
            assert await store.definition("sha-two") is None

    async def test_the_latest_definition_is_the_last_put_of_the_highest_version(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            put = [
                ("w", 9, "a"),
                ("w", 10, "b"),
                ("w", 10, "c"),
                ("w", 2, "d"),
                ("v", 11, "e"),
                ("w", 10, "b"),
            ]
            for workflow, version, source in put:
                await store.put_definition(a_definition(workflow, version, source))
            found = [await store.latest_definition("w", version) for version in (None, 10, 9, 2, 3)]
            assert [one and one.source for one in found] == ["c", "c", "a", "d", None]
            assert await store.latest_definition("nothing", None) is None

    async def test_an_activity_is_claimed_once_oldest_first(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            for path in ("a", "b", "a"):
                await store.offer(an_offer(path))
            claims = [await store.claim_activity("approval", "w", now=NOON) for _ in range(3)]
            assert [claim and claim.offer for claim in claims] == [an_offer("a"), an_offer("b"), None]
            assert claims[0]
            assert (claims[0].worker, claims[0].until) == ("w", NOON + timedelta(minutes=1))
            assert await store.claim_activity("other", "w", now=NOON) is None

    async def test_a_claim_expires_and_its_token_is_refused(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.offer(an_offer())
            first = await store.claim_activity("approval", "slow", now=NOON)
            later = NOON + timedelta(minutes=1)
            assert first
            assert await store.close_activity(first.token, now=later) is None, "expired"
            second = await store.claim_activity("approval", "quick", now=later)
            assert second
            assert await store.close_activity(first.token, now=later) is None, "taken by another"
            assert await store.close_activity(second.token, now=later) == an_offer()
            assert await store.close_activity(second.token, now=later) is None, "reported already"
            assert await store.claim_activity("approval", "quick", now=later) is None

    async def test_a_withdrawn_activity_can_be_neither_claimed_nor_closed(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            for path in ("a", "b"):
                await store.offer(an_offer(path))
            claim = await store.claim_activity("approval", "w", now=NOON)
            for path in ("a", "b", "never offered"):
                await store.withdraw("i1", path, 1)
            assert claim
            assert await store.close_activity(claim.token, now=NOON) is None
            assert await store.claim_activity("approval", "w", now=NOON) is None

    async def test_deleting_an_instance_withdraws_its_activities(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision())
            for instance in ("i1", "i2"):
                await store.offer(an_offer(instance=instance))
            await store.delete("i1")
            claims = [await store.claim_activity("approval", "w", now=NOON) for _ in range(2)]
            assert [claim and claim.offer.instance for claim in claims] == ["i2", None]


async def payloads(store: Store, *, since_seconds: int | None) -> list[object]:
    """Return the payloads of e/k as one waiter takes them: each after the one before."""
    since = None if since_seconds is None else NOON + since_seconds * SECOND
    taken: list[object] = []
    after = 0
    while event := await store.first_event("e", "k", after=after, since=since):
        taken.append(event.payload)
        after = event.sequence
    return taken
