"""What every keeper of logs promises. Subclass the suite and give it a fixture `make_logs`.

`make_logs()` returns opened logs on the same data at every call, as a context manager.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from wfe.errors import Permanent
from wfe.model.ids import AttemptKey
from wfe.ports.logs import (
    SEGMENT_LIMIT,
    LogQuery,
    LogRecord,
    LogStore,
    Segment,
    Stream,
    place_in_time,
)
from wfe.testing.builders import NOON
from wfe.testing.search_contract import eventually

MakeLogs = Callable[[], AbstractAsyncContextManager[LogStore]]
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
ODD_BYTES = {
    "every-byte": bytes(range(256)),
    "nul": b"\0\0\n",
    "half-a-character": "ключ".encode()[:3],
    "utf-8-of-a-surrogate": b"\xed\xa0\xbd\n",
    "a-line-break-of-windows": b"a\r\n",
    "line-breaks-of-unicode": "a\u2028b\u0085c\n".encode(),
    "escapes": b'\x1b[31mred\x1b[0m "quoted" \\n\n',
    "emoji": "😀\n".encode(),
    "byte-order-mark": b"\xef\xbb\xbfa\n",
    "a-full-segment-of-one-word": b"x" * SEGMENT_LIMIT,
    "a-full-segment-of-noise": Random(7).randbytes(SEGMENT_LIMIT),  # noqa: S311 (no secret)
    "a-full-segment-of-bad-bytes": b"\xff" * SEGMENT_LIMIT,
}

LINE = "12:01 ERROR: disk 100% -> КЛЮЧ/ключ Straße a_b 3.14\n".encode()
# What is looked for in that line, and whether it is found.
TEXTS = {
    "nothing-finds-all": ("", True),
    "a-phrase": ("error: disk", True),
    "in-any-case": ("ERROR: Disk", True),
    "parts-of-words": ("rror: di", True),
    "in-that-order": ("disk error", False),
    "as-it-stands": ("error disk", False),
    "one-letter": ("r", True),
    "percent-is-a-sign": ("%", True),
    "percent-stands-for-nothing": ("e%d", False),
    "a-star-stands-for-nothing": ("*", False),
    "a-question-mark-stands-for-nothing": ("dis?", False),
    "signs": (" -> ", True),
    "cyrillic": ("ключ", True),
    "a-part-of-cyrillic": ("Люч/", True),
    "sharp-s": ("straße", True),
    "an-underscore-is-a-sign": ("a_b", True),
    "an-underscore-stands-for-nothing": ("b_c", False),
    "the-end-of-a-part": ("a_", True),
    "numbers": ("3.14", True),
    "a-part-of-a-number": (".1", True),
    "across-words-and-signs": ("sk 100% ->", True),
    "quotes-mean-nothing": ('"; DROP', False),
}


def a_record(
    data: bytes = b"line\n",
    *,
    path: str = "build",
    instance: str = "i1",
    offset: int = 0,
    at: datetime = NOON,
    **more: Any,
) -> LogRecord:
    """Return a record of the first attempt's stdout; `attempt`, `stream`, `name`, `workflow` may be given too."""
    key = AttemptKey(instance, path, more.get("attempt", 1))
    segment = Segment(key, more.get("stream", Stream.STDOUT), offset, data, at)
    return LogRecord(segment, more.get("name", f"name-of-{instance}"), more.get("workflow", "pipeline"))


def lines(count: int, **more: Any) -> list[LogRecord]:
    """Return consecutive lines of one stream, ten a second."""
    records, offset = [], 0
    for number in range(count):
        data = f"line {number}\n".encode()
        at = NOON + number // 10 * SECOND
        records.append(a_record(data, offset=offset, at=at, **more))
        offset += len(data)
    return records


async def read(logs: LogStore, instance: str = "i1", **more: Any) -> list[Segment]:
    """Return all that is kept of an instance."""
    return [segment async for segment in logs.read(instance, **more)]


async def search(logs: LogStore, **query: Any) -> list[bytes]:
    """Return the bytes of what a query finds."""
    return [record.segment.data for record in (await logs.search(LogQuery(**query))).found]


class LogsContract:
    """Bytes come back as they were written, each once, in order; texts find them across instances."""

    async def test_what_is_not_there_is_nothing(self, make_logs: MakeLogs) -> None:
        async with make_logs() as logs:
            await logs.append([])
            assert await read(logs) == []
            assert await search(logs) == []
            await logs.forget("nobody")
            await logs.expire(before=NOON)

    async def test_bytes_come_back_as_they_were_written(self, make_logs: MakeLogs) -> None:
        at = NOON + MICROSECOND
        records = {
            name: a_record(data, at=at, stream=Stream.STDERR, attempt=3, offset=2**40, path=name)
            for name, data in ODD_BYTES.items()
        }
        async with make_logs() as logs:
            await logs.append(list(records.values()))
            await eventually(lambda: _count(logs), len(records))
            for name, record in records.items():
                assert await read(logs, step=name) == [record.segment], name
                assert (await logs.search(LogQuery(step=name))).found == [record], name

    async def test_segments_come_in_the_order_of_their_times(self, make_logs: MakeLogs) -> None:
        records = [
            *lines(25),
            *lines(25, stream=Stream.STDERR),
            *lines(12, path="each[2]/test"),
            *lines(12, path="build", attempt=2),
        ]
        async with make_logs() as logs:
            shuffled = Random(3).sample(records, len(records))  # noqa: S311 (no secret)
            await logs.append(shuffled[:30])
            await logs.append(shuffled[30:])
            expected = sorted((record.segment for record in records), key=place_in_time)
            assert await read(logs) == expected
            assert await read(logs, since=NOON + SECOND) == [one for one in expected if one.at > NOON]

    async def test_the_same_again_changes_nothing(self, make_logs: MakeLogs) -> None:
        records = lines(30)
        async with make_logs() as logs:
            await logs.append([*records[:20], *records[10:20]])
            await logs.append(records[5:])
            changed = replace(records[3].segment, data=b"other\n")
            await logs.append([replace(records[3], segment=changed)])
            assert await read(logs) == [record.segment for record in records]

    async def test_what_was_lost_on_its_way_may_follow_with_a_later_time(self, make_logs: MakeLogs) -> None:
        records, later = lines(30), NOON + 60 * SECOND
        late = [replace(one, segment=replace(one.segment, at=later)) for one in records]
        async with make_logs() as logs:
            await logs.append([*records[5:10], *records[20:25]])
            await logs.append([*late[:5], *late[10:20], *late[25:]])
            kept = [*records[5:10], *records[20:25], *late[:5], *late[10:20], *late[25:]]
            assert await read(logs) == [record.segment for record in kept]

    async def test_appending_at_once_keeps_each_once(self, make_logs: MakeLogs) -> None:
        records = lines(200)
        async with make_logs() as logs, make_logs() as others:
            batches = [records[start : start + 40] for start in range(0, 180, 20)]
            await asyncio.gather(*(logs.append(batch) for batch in batches), others.append(records[:100]))
            assert await read(logs) == [record.segment for record in records]

    async def test_what_another_appended_is_read(self, make_logs: MakeLogs) -> None:
        records = lines(20)
        async with make_logs() as mine, make_logs() as yours:
            await mine.append(records[:10])
            await yours.append(records[5:])
            await mine.append(records)
            assert await read(mine) == await read(yours) == [record.segment for record in records]

    async def test_a_step_is_asked_for_by_path_or_name(self, make_logs: MakeLogs) -> None:
        paths = ["build", "each[1]/build", "each[1]/loop#2/test", "rebuild"]
        async with make_logs() as logs:
            await logs.append([a_record(path.encode(), path=path) for path in paths])
            for step, expected in (
                ("build", ["build", "each[1]/build"]),
                ("each", ["each[1]/build", "each[1]/loop#2/test"]),
                ("loop", ["each[1]/loop#2/test"]),
                ("each[1]/build", ["each[1]/build"]),
                ("each[1]", []),
                ("nothing", []),
            ):
                found = sorted(segment.key.path for segment in await read(logs, step=step))
                assert found == expected, step
            await eventually(lambda: search(logs, step="build"), [b"build", b"each[1]/build"])

    async def test_a_text_is_found_as_it_stands(self, make_logs: MakeLogs) -> None:
        async with make_logs() as logs:
            await logs.append([a_record(LINE), a_record(b"\xfe\xfd", path="else")])
            await eventually(lambda: search(logs), [LINE, b"\xfe\xfd"])
            for name, (text, is_found) in TEXTS.items():
                found = LINE in await search(logs, text=text)
                assert found is is_found, name

    async def test_a_text_inside_a_long_word_is_found(self, make_logs: MakeLogs) -> None:
        word = "".join(f"x{number}" for number in range(2000)).encode()
        async with make_logs() as logs:
            await logs.append([a_record(b"begin " + word + b" end\n"), a_record(b"else\n", path="else")])
            await eventually(lambda: search(logs, text="x1234x1235"), [b"begin " + word + b" end\n"])

    async def test_filters_narrow(self, make_logs: MakeLogs) -> None:
        async with make_logs() as logs:
            await logs.append(
                [
                    a_record(b"one a\n", instance="a", at=NOON, name="team/a"),
                    a_record(b"one b\n", instance="b", at=NOON + SECOND, workflow="deploy"),
                    a_record(b"two b\n", instance="b", at=NOON + 2 * SECOND, workflow="deploy", offset=6),
                ]
            )
            await eventually(lambda: search(logs), [b"one a\n", b"one b\n", b"two b\n"])
            for query, expected in (
                ({"instance": "a"}, [b"one a\n"]),
                ({"workflow": "deploy"}, [b"one b\n", b"two b\n"]),
                ({"workflow": "deploy", "text": "one"}, [b"one b\n"]),
                ({"workflow": "depl"}, []),
                ({"namespace": "team"}, [b"one a\n"]),
                ({"namespace": "tea"}, []),
                ({"since": NOON + SECOND}, [b"one b\n", b"two b\n"]),
                ({"until": NOON + SECOND}, [b"one a\n"]),
                ({"since": NOON + SECOND, "until": NOON + 2 * SECOND}, [b"one b\n"]),
            ):
                assert await search(logs, **query) == expected, query

    async def test_pages_have_everything_once_oldest_first(self, make_logs: MakeLogs) -> None:
        records = [
            *lines(40),
            *lines(40, stream=Stream.STDERR),
            *lines(40, instance="i2"),
            *(a_record(b"noise\n", path="noise", offset=6 * number) for number in range(300)),
        ]
        async with make_logs() as logs:
            await logs.append(records)
            await eventually(lambda: _count(logs), len(records))
            found: list[Segment] = []
            after: str | None = None
            while True:
                page = await logs.search(LogQuery(text="line", after=after, limit=7))
                assert len(page.found) <= 7
                found += [record.segment for record in page.found]
                after = page.next
                if after is None:
                    break
            expected = [record.segment for record in records if record.segment.data != b"noise\n"]
            assert found == sorted(expected, key=place_in_time)

    @pytest.mark.parametrize("after", ["nonsense", "", "WzFd", "é"])
    async def test_what_is_no_next_is_refused(self, make_logs: MakeLogs, after: str) -> None:
        async with make_logs() as logs:
            with pytest.raises(Permanent, match="next"):
                await logs.search(LogQuery(after=after))

    async def test_what_is_forgotten_is_gone(self, make_logs: MakeLogs) -> None:
        async with make_logs() as logs:
            await logs.append([*lines(3), *lines(3, instance="i2")])
            await eventually(lambda: _count(logs), 6)
            await logs.forget("i1")
            assert await read(logs) == []
            assert len(await read(logs, "i2")) == 3
            await eventually(lambda: _count(logs), 3)

    async def test_what_is_old_expires(self, make_logs: MakeLogs) -> None:
        old = NOON - timedelta(days=100)
        async with make_logs() as logs:
            await logs.append(
                [a_record(b"old\n", instance="old", at=old), a_record(b"new\n", instance="new")]
            )
            await logs.expire(before=NOON)
            assert await read(logs, "old") == []
            assert len(await read(logs, "new")) == 1


class DurableLogsContract:
    """What was appended is there for the next one who opens."""

    async def test_what_was_appended_is_there_after_opening_again(self, make_logs: MakeLogs) -> None:
        records = [*lines(30), *lines(30, path="a b/../c'\""), *lines(3, instance="../i 2")]
        async with make_logs() as logs:
            await logs.append(records)
        async with make_logs() as logs:
            await logs.append(records[10:])
            assert len(await read(logs)) == 60
            assert await read(logs, "../i 2") == [record.segment for record in records[60:]]


async def _count(logs: LogStore) -> int:
    return len((await logs.search(LogQuery(limit=10_000))).found)
