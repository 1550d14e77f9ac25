"""Group commit: what is asked for while a group is under way makes the next one, answered after its commit."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from wfe.errors import StoreUnavailable
from wfe.providers.postgres.errors import InTheWay

J = TypeVar("J")
A = TypeVar("A")
MOST: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Asked(Generic[J, A]):
    job: J
    answer: asyncio.Future[A]


class Groups(Generic[J, A]):
    """Carries out jobs of one kind, many at once, in the order of their asking.

    `perform` takes jobs and returns an answer for each, which may be an error of that job alone. Jobs with the same
    `key` are never in one group, so each finds what the one before has left. If a group fails as a whole because of
    what is in it, each of its jobs is tried by itself: one bad value does not fail its neighbours.
    """

    def __init__(
        self,
        perform: Callable[[Sequence[J]], Awaitable[Sequence[A | Exception]]],
        *,
        key: Callable[[J], Hashable] = id,
    ) -> None:
        self._perform = perform
        self._key = key
        self._waiting: list[_Asked[J, A]] = []
        self._worker: asyncio.Task[None] | None = None

    async def do(self, job: J) -> A:
        """Return the answer, which comes after the commit. Being cancelled does not undo anything."""
        asked: _Asked[J, A] = _Asked(job, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="group commit")
        return await asked.answer

    async def finish(self) -> None:
        """Return when everything that was asked for has been answered."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._carry_out(self._next_group())
        finally:
            self._worker = None
            left, self._waiting = self._waiting, []
            for asked in left:
                _answer(asked, StoreUnavailable("the process is ending; nothing more is written"))

    def _next_group(self) -> list[_Asked[J, A]]:
        group: dict[Hashable, _Asked[J, A]] = {}
        for asked in self._waiting[:MOST]:
            key = self._key(asked.job)
            if key in group:
                break
            group[key] = asked
        self._waiting = self._waiting[len(group) :]
        return list(group.values())

    async def _carry_out(self, group: Sequence[_Asked[J, A]]) -> None:
        answers: Sequence[A | Exception]
        try:
            answers = await self._perform([asked.job for asked in group])
        except Exception as error:  # noqa: BLE001 (whoever waits for the job gets it)
            if len(group) > 1 and not _concerns_all(error):
                for asked in group:
                    await self._carry_out([asked])
                return
            answers = [error] * len(group)
        for asked, answer in zip(group, answers, strict=True):
            _answer(asked, answer)


def _concerns_all(error: Exception) -> bool:
    return isinstance(error, StoreUnavailable) and not isinstance(error, InTheWay)


def _answer(asked: _Asked[J, A], answer: A | Exception) -> None:
    if asked.answer.done():  # the caller has been cancelled
        return
    if isinstance(answer, Exception):
        asked.answer.set_exception(answer)
    else:
        asked.answer.set_result(answer)
