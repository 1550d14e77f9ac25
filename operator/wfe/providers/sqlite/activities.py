"""Offered activities and their claims."""

from datetime import datetime, timedelta
from hashlib import sha256
from sqlite3 import Connection
from typing import Any

from wfe.model import codec
from wfe.model.times import to_micros
from wfe.ports.store import ActivityClaim, ActivityOffer
from wfe.providers.sqlite.statements import SQL


def offer(connection: Connection, offered: ActivityOffer, params: str) -> None:
    row = (offered.instance, offered.path, offered.attempt, offered.name, params, to_micros(offered.claim))
    connection.execute(SQL["offer"], row)


def claim(connection: Connection, name: str, worker: str, now: datetime) -> ActivityClaim | None:
    row = connection.execute(SQL["free_activity"], (name, to_micros(now))).fetchone()
    if row is None:
        return None
    sequence, claims, *values = row
    found = _offer(values)
    # Derived and never the same twice, so that only the latest claim has it.
    place = f"{found.instance}/{found.path}/{found.attempt}/{claims + 1}"
    token = sha256(place.encode()).hexdigest()[:32]
    until = now + found.claim
    connection.execute(SQL["claim_activity"], (token, worker, to_micros(until), sequence))
    return ActivityClaim(offer=found, token=token, worker=worker, until=until)


def close(connection: Connection, token: str, now: datetime) -> ActivityOffer | None:
    row = connection.execute(SQL["claimed_activity"], (token, to_micros(now))).fetchone()
    if row is None:
        return None
    sequence, _, *values = row
    connection.execute(SQL["close_activity"], (sequence,))
    return _offer(values)


def _offer(values: list[Any]) -> ActivityOffer:
    instance, path, attempt, name, params, micros = values
    return ActivityOffer(
        instance=instance,
        path=path,
        attempt=attempt,
        name=name,
        params=codec.load_json(params),
        claim=timedelta(microseconds=micros),
    )


def withdraw(connection: Connection, instance: str, path: str, attempt: int) -> None:
    connection.execute(SQL["withdraw"], (instance, path, attempt))
