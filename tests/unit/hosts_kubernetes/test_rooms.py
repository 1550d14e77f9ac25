"""Rooms: opened by the first who enters, closed when nobody needs them."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from wfe.hosts.kubernetes.rooms import Room, Rooms


@dataclass
class Part:
    """A store, a runtime and its nursery, as far as rooms ask them for anything."""

    closes: int = 0
    broke: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def nursery(self) -> "Part":
        return self

    async def broken(self) -> None:
        await self.broke

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closes += 1


class StorePart(Part):
    async def open(self) -> None:
        await asyncio.sleep(0)


class RuntimePart(Part):
    def open(self) -> None: ...


@dataclass
class House:
    """Rooms, those that were made, and those that broke."""

    made: list[Room] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rooms = Rooms(self._make, lambda room: self.broken.append(room.namespace))

    def _make(self, namespace: str) -> Room:
        store, runtime = cast("Any", StorePart()), cast("Any", RuntimePart())
        self.made.append(Room(namespace, store, runtime, cast("Any", None)))
        return self.made[-1]


async def test_who_enters_at_once_is_in_the_same_room() -> None:
    house = House()
    one, other = await asyncio.gather(house.rooms.enter("a"), house.rooms.enter("a"))
    assert one is other is house.rooms.get("a")
    await house.rooms.close()
    assert cast("Any", one.store).closes == 1


async def test_a_room_is_closed_when_it_was_empty_twice() -> None:
    house = House()
    room = await house.rooms.enter("a")
    await house.rooms.drop_empty()
    assert house.rooms.get("a") is room
    await house.rooms.drop_empty()
    assert house.rooms.get("a") is None
    assert await house.rooms.enter("a") is not room
    await house.rooms.close()


async def test_a_room_that_somebody_has_entered_or_filled_stays() -> None:
    house = House()
    entered, filled = [await house.rooms.enter(name) for name in ("entered", "filled")]
    for _ in range(3):
        await house.rooms.drop_empty()
        assert await house.rooms.enter("entered") is entered
        filled.refused["i"] = "why"
    assert house.rooms.all() == [entered, filled]
    await house.rooms.close()


async def test_a_room_that_is_filled_while_another_is_closed_stays() -> None:
    house = House()
    for name in ("a", "b"):
        await house.rooms.enter(name)
    await house.rooms.drop_empty()
    dropping = asyncio.create_task(house.rooms.drop_empty())
    await asyncio.sleep(0)
    room = await house.rooms.enter("b")
    room.ids["i"] = "uid"
    await dropping
    assert [one.namespace for one in house.rooms.all()] == ["b"]
    await house.rooms.close()


async def test_a_room_that_breaks_is_told_of_and_made_anew() -> None:
    house = House()
    room = await house.rooms.enter("a")
    cast("Any", room.runtime).broke.set_exception(RuntimeError("a defect"))
    while not house.broken:  # noqa: ASYNC110 - it is told in a list
        await asyncio.sleep(0)
    assert house.broken == ["a"]
    assert await house.rooms.enter("a") is not room
    await house.rooms.close()
