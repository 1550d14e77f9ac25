"""Logs: from containers while an instance runs, from what was kept afterwards, nothing twice and nothing lost."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.hosts.cli_cluster.cluster import NAMESPACE, Cluster
from wfe.hosts.cli.cluster.logs.archive import above, members
from wfe.hosts.cli.cluster.logs.lines import Line, Printed, Reader, is_of
from wfe.hosts.cli.cluster.logs.pods import Container, started
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.pods import labels
from wfe.ports.logs import Segment, Stream
from wfe.providers.customresource import INSTANCES
from wfe.providers.customresource.logs import LogArchive
from wfe.providers.customresource.names import ROOT
from wfe.testing.apiserver.containers import Print

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPEC = {"workflowRef": {"name": "w"}}


def stamped(second: float, text: str) -> bytes:
    """Return a line as the API gives it with timestamps."""
    at = NOON + timedelta(seconds=second)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z {text}\n".encode()


def a_pod(cluster: Cluster, name: str, root: str, *, step: str | None = None, ready: bool = True) -> None:
    role = labels.RUNNER if step is None else labels.ATTEMPT
    annotations = {} if step is None else {labels.STEP: step}
    made = {labels.ROOT: root, labels.ROLE: role}
    cluster.create(PODS, name, labels=made, annotations=annotations)
    state = {"running": {}} if ready else {"waiting": {"reason": "ContainerCreating"}}
    status = {"phase": "Running", "containerStatuses": [{"name": "main", "state": state}]}
    cluster.patch(PODS, name, {"status": status}, "status")


@pytest.fixture
def runs(cluster: Cluster) -> Cluster:
    """A cluster with an instance `one` that runs."""
    cluster.create(INSTANCES, "one", SPEC)
    cluster.status("one", phase="Running", active=True)
    return cluster


def uid(cluster: Cluster, name: str) -> str:
    found: str = cluster.get(INSTANCES, name)["metadata"]["uid"]
    return found


def keep(cluster: Cluster, name: str, *segments: tuple[str, int, float, str]) -> None:
    """Keep the log of an instance: (path, attempt, second, text)."""
    instance = uid(cluster, name)
    offsets: dict[str, int] = {}

    async def kept() -> None:
        async with cluster.client() as client:
            archive = LogArchive(client, NAMESPACE)
            for path, attempt, second, text in segments:
                at = NOON + timedelta(seconds=second)
                key = AttemptKey(instance, path, attempt)
                data = text.encode()
                await archive.write(Segment(key, Stream.STDOUT, offsets.get(f"{key}", 0), data, at))
                offsets[f"{key}"] = offsets.get(f"{key}", 0) + len(data)
            await archive.flush(instance, name=name, uid=instance)

    asyncio.run(kept())


def test_a_running_instance_is_read_from_all_its_pods_in_the_order_of_time(runs: Cluster) -> None:
    root = uid(runs, "one")
    a_pod(runs, "runner", root)
    a_pod(runs, "alone", root, step="big/one")
    a_pod(runs, "not-yet", root, ready=False)
    a_pod(runs, "somebody-else", "another-root")
    runs.server.containers.prints("runner", "main", stamped(1, "[a] first") + stamped(3, "[b[0]/c] third"))
    runs.server.containers.prints("alone", "main", stamped(2, "second"))
    runs.server.containers.prints("somebody-else", "main", stamped(2, "[x] no"))

    assert runs.wfe("logs", "one").stdout == (
        "12:00:01.000 a | first\n12:00:02.000 big/one | second\n12:00:03.000 b[0]/c | third\n"
    )


def test_what_a_pod_that_is_gone_said_is_read_from_what_was_kept_so_far(runs: Cluster) -> None:
    a_pod(runs, "runner", uid(runs, "one"))
    runs.server.containers.prints("runner", "main", stamped(2, "[a] same") + stamped(4, "[b] last"))
    keep(runs, "one", ("a", 1, 1, "same\n"), ("a", 1, 2, "same\n"), ("gone", 1, 3, "third\n"))

    assert runs.wfe("logs", "one", "--no-prefix").stdout == "same\nsame\nthird\nlast\n"


def test_the_lines_of_one_step_come_as_it_wrote_them(runs: Cluster) -> None:
    a_pod(runs, "runner", uid(runs, "one"))
    runs.server.containers.prints("runner", "main", stamped(1, "[a] first") + stamped(2, "[b] second"))

    assert runs.wfe("logs", "one", "--step", "b").stdout == "second\n"
    assert runs.wfe("logs", "one", "--no-prefix").stdout == "first\nsecond\n"
    assert runs.wfe("logs", "one", "--step", "b", "--prefix").stdout == "12:00:02.000 b | second\n"


def test_an_ended_instance_is_read_from_what_was_kept_with_its_children(runs: Cluster) -> None:
    root = uid(runs, "one")
    parent = {"name": "one", "path": "ship", "id": "x"}
    runs.create(INSTANCES, "one-child", {**SPEC, "parent": parent}, labels={ROOT: root})
    keep(
        runs,
        "one",
        ("a", 1, 1, "tries\n"),
        ("a", 2, 4, "long "),
        ("a", 2, 5, "line\n"),
        ("z", 1, 6, "no end"),
    )
    for name in ("one", "one-child"):
        runs.status(name, phase="Complete", active=False)
    runs.patch(INSTANCES, "one-child", {"spec": {"parent": {"id": uid(runs, "one-child")}}})
    keep(runs, "one-child", ("pack", 1, 2, "packed\n"))

    assert runs.wfe("logs", "one").stdout == (
        "12:00:01.000 a | tries\n"
        "12:00:02.000 ship/pack | packed\n"
        "12:00:04.000 a#2 | long line\n"
        "12:00:06.000 z | no end\n"
    )
    assert runs.wfe("logs", "one-child").stdout == "12:00:02.000 pack | packed\n"
    assert runs.wfe("logs", "one", "--step", "ship").stdout == "packed\n"


def test_a_log_is_followed_from_pods_and_what_they_did_not_say_comes_from_what_was_kept(
    runs: Cluster,
) -> None:
    a_pod(runs, "runner", uid(runs, "one"))
    said, ended = threading.Event(), threading.Event()

    async def prints(print_: Print, _: bool) -> None:
        await print_(stamped(1, "[a] same") + stamped(2, "[a] same"))
        said.set()
        await asyncio.to_thread(ended.wait)

    def end() -> None:
        said.wait()
        keep(
            runs,
            "one",
            ("a", 1, 1, "same\n"),
            ("a", 1, 2, "same\n"),
            ("a", 1, 3, "same\n"),
            ("secret", 1, 4, "***\n"),
        )
        runs.status("one", phase="Complete", active=False)
        ended.set()

    runs.server.containers.prints("runner", "main", prints)
    thread = threading.Thread(target=end)
    thread.start()
    shown = runs.wfe("logs", "one", "-f", "--no-prefix").stdout
    thread.join()

    assert shown == "same\nsame\nsame\n***\n"


def test_a_stream_that_is_cut_goes_on_where_it_was(runs: Cluster) -> None:
    a_pod(runs, "runner", uid(runs, "one"))
    calls: list[int] = []

    async def prints(print_: Print, _: bool) -> None:
        calls.append(1)
        await print_(stamped(1, "[a] one"))
        if len(calls) == 1:
            raise ConnectionError
        await print_(stamped(2, "[a] two"))
        keep_and_end()

    def keep_and_end() -> None:
        runs.server.objects.patch(
            INSTANCES,
            "one",
            NAMESPACE,
            {"status": {"phase": "Complete", "active": False}},
            subresource="status",
        )

    runs.server.containers.prints("runner", "main", prints)

    assert runs.wfe("logs", "one", "-f", "--no-prefix").stdout == "one\ntwo\n"
    assert len(calls) == 2


# -- lines -----------------------------------------------------------------------------------------------------


def read(*pieces: bytes, step: str | None = None) -> list[tuple[str, bytes]]:
    reader = Reader(step)
    lines = [line for piece in pieces for line in reader.read(piece)] + [*reader.finish()]
    return [(line.step, line.text) for line in lines]


WHOLE = stamped(1, "[a] one") + stamped(2, "[b] two")


@pytest.mark.parametrize(
    ("pieces", "step", "lines"),
    [
        pytest.param([WHOLE], None, [("a", b"one"), ("b", b"two")], id="at-once"),
        pytest.param(
            [WHOLE[:7], WHOLE[7:45], WHOLE[45:]], None, [("a", b"one"), ("b", b"two")], id="in-pieces"
        ),
        pytest.param([WHOLE, WHOLE], None, [("a", b"one"), ("b", b"two")], id="again"),
        pytest.param([WHOLE[:-1]], None, [("a", b"one"), ("b", b"two")], id="without-an-end"),
        pytest.param([stamped(1, "no step said this")], None, [], id="the-container-itself"),
        pytest.param([stamped(1, "[x#2] [y] z")], None, [("x#2", b"[y] z")], id="brackets-in-the-text"),
        pytest.param([b"garbage\n\n"], None, [], id="no-time"),
        pytest.param([stamped(1, "[a] b")], "s", [("s", b"[a] b")], id="isolated"),
        pytest.param(
            [
                stamped(1, "x")
                + stamped(2, "")
                + stamped(3, "##wfe[outputs 3 0]")
                + stamped(4, "a=b")
                + stamped(5, "")
                + stamped(6, "##wfe[end]")
            ],
            "s",
            [("s", b"x")],
            id="outputs-of-an-isolated-step-are-no-log",
        ),
        pytest.param(
            [stamped(1, "") + stamped(2, "x") + stamped(3, "")],
            "s",
            [("s", b""), ("s", b"x"), ("s", b"")],
            id="empty-lines-are-kept",
        ),
    ],
)
def test_lines_are_read_from_bytes(
    pieces: list[bytes], step: str | None, lines: list[tuple[str, bytes]]
) -> None:
    assert read(*pieces, step=step) == lines


@pytest.mark.parametrize(
    ("step", "wanted", "belongs"),
    [
        ("a", None, True),
        ("a", "a", True),
        ("a/b", "a", True),
        ("a/b", "b", True),
        ("a[0]/b", "a", True),
        ("a#2", "a", True),
        ("ab", "a", False),
        ("a/bc", "b", False),
        ("a", "a/b", False),
        ("odd_name", "odd name", True),
    ],
)
def test_a_step_is_named_by_its_path_or_a_name_in_it(step: str, wanted: str | None, belongs: bool) -> None:
    assert is_of(step, wanted) is belongs


def test_a_child_says_its_own_lines_only_and_each_once(runs: Cluster) -> None:
    root = uid(runs, "one")
    parent = {"name": "one", "path": "ship", "id": "x", "attempt": 2}
    runs.create(INSTANCES, "one-child", {**SPEC, "parent": parent}, labels={ROOT: root})
    runs.status("one-child", phase="Running", active=True)
    runs.patch(INSTANCES, "one-child", {"spec": {"parent": {"id": uid(runs, "one-child")}}})
    a_pod(runs, "runner", root)
    a_pod(runs, "alone", root, step="ship#2/alone")
    runs.server.containers.prints(
        "runner", "main", stamped(1, "[a] root's") + stamped(2, "[ship#2/a] child's")
    )
    runs.server.containers.prints("alone", "main", stamped(3, "pod's"))
    keep(runs, "one-child", ("a", 1, 2, "child's\n"), ("b", 1, 4, "of a pod that is gone\n"))

    assert runs.wfe("logs", "one-child").stdout == (
        "12:00:02.000 a | child's\n12:00:03.000 alone | pod's\n12:00:04.000 b | of a pod that is gone\n"
    )
    assert runs.wfe("logs", "one").stdout == (
        "12:00:01.000 a | root's\n"
        "12:00:02.000 ship#2/a | child's\n"
        "12:00:03.000 ship#2/alone | pod's\n"
        "12:00:04.000 ship#2/b | of a pod that is gone\n"
    )


def test_each_line_that_was_printed_stands_for_one_that_was_kept() -> None:
    printed, line = Printed(), Line("up/a", b"x", NOON)
    printed.note(line)

    assert [printed.has(Line("a", b"x", NOON, own="up/a")), printed.has(line)] == [True, False]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({}, []),
        ({"containerStatuses": [{"name": "m", "state": {"waiting": {}}}]}, []),
        (
            {"containerStatuses": [{"name": "m", "state": {"terminated": {}}, "restartCount": 2}]},
            [Container("p", "u", "m", 2)],
        ),
    ],
)
def test_a_container_has_a_log_once_it_has_started(status: dict[str, object], found: list[Container]) -> None:
    assert started({"metadata": {"name": "p", "uid": "u"}, "status": status}) == found


def test_a_family_is_found_by_what_children_say_of_their_parents() -> None:
    def one(name: str, parent: str = "", path: str = "", attempt: int = 1) -> Phase:
        above = {"name": parent, "path": path, "id": name, "attempt": attempt}
        spec = {"parent": above} if parent else {}
        return phase({"metadata": {"name": name, "uid": name}, "spec": spec})

    tree = [one("b", "a", "call"), one("c", "b", "deep[0]"), one("x", "other", "y")]

    found = [(member.phase.name, member.prefix) for member in members(one("a"), tree)]
    assert found == [("a", ""), ("b", "call/"), ("c", "call/deep[0]/")]
    assert [above(each, tree) for each in (one("a"), *tree[:2])] == ["", "call/", "call/deep[0]/"]
    assert above(one("d", "c", "odd name", 2), tree) == "call/deep[0]/odd_name#2/"
