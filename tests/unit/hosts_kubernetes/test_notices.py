"""Kubernetes Events."""

import asyncio

from wfe.hosts.kubernetes.notices import BURST, Allowances, Notice, Notices, Subject
from wfe.kube.resource import EVENTS
from wfe.testing.apiserver import serving

SUBJECT = Subject("team", "i", "uid-1")


def test_who_has_much_to_say_is_cut_short() -> None:
    allowances = Allowances()
    assert [allowances.take("a", 0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert allowances.take("b", 0.0)
    assert [allowances.take("a", 60.0), allowances.take("a", 60.0)] == [True, False]


async def test_an_event_is_posted_once_and_what_cannot_be_posted_is_let_go() -> None:
    async with serving([EVENTS]) as (server, client):
        notices = Notices(client, instance="test", now=client.now)
        task = asyncio.create_task(notices.run())
        server.faults.answer(422, times=1, verb="create")
        for reason in ("Lost", "Failed", "Failed"):
            notices.post(Notice(SUBJECT, "Warning", reason, "x" * 5000))
        while not (found := [one async for one in client.list(EVENTS, "team")]):
            pass
        task.cancel()
    (event,) = found
    assert (event["reason"], event["type"], len(event["message"])) == ("Failed", "Warning", 1000)
    assert event["involvedObject"]["uid"] == "uid-1"
