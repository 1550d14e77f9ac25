"""Offered activities and their claims."""

from datetime import datetime, timedelta

from wfe.model import codec
from wfe.model.times import to_micros
from wfe.ports.store import ActivityClaim, ActivityOffer
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.words import digest, kept


async def offer(database: Database, offered: ActivityOffer) -> None:
    place = _place(offered.instance, offered.path, offered.attempt)
    body = codec.dump_json(
        [
            offered.instance,
            offered.path,
            offered.attempt,
            offered.name,
            dict(offered.params),
            to_micros(offered.claim),
        ]
    )
    await database.fetch(
        "offer", place, kept(offered.instance), kept(offered.name), offered.claim, body.encode()
    )


async def claim(database: Database, name: str, worker: str, now: datetime) -> ActivityClaim | None:
    row = await database.fetch_one("claim_activity", kept(name), kept(worker), now)
    if row is None:
        return None
    return ActivityClaim(offer=_offer(row["body"]), token=row["token"], worker=worker, until=row["until"])


async def close(database: Database, token: str, now: datetime) -> ActivityOffer | None:
    row = await database.fetch_one("close_activity", kept(token), now)
    return None if row is None else _offer(row["body"])


async def withdraw(database: Database, instance: str, path: str, attempt: int) -> None:
    await database.fetch("withdraw", _place(instance, path, attempt))


def _place(instance: str, path: str, attempt: int) -> bytes:
    return digest(instance, path, str(attempt))


def _offer(body: bytes) -> ActivityOffer:
    instance, path, attempt, name, params, micros = codec.load_json(body.decode())
    return ActivityOffer(
        instance=instance,
        path=path,
        attempt=attempt,
        name=name,
        params=params,
        claim=timedelta(microseconds=micros),
    )
