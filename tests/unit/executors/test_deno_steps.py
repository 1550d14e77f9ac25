"""Deno and poll steps, as they run: real Deno, and a server on loopback."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from wfe.executors.local import LocalExecutor
from wfe.expr.names import MISSING, Missing
from wfe.model.ids import AttemptKey
from wfe.model.json import Json
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask
from wfe.ports.logs import Stream
from wfe.steps import BUILTIN, StepContext
from wfe.testing.executor_contract import Recorder

_numbers = count()


class NoNames:
    def value(self, name: str) -> Json | Missing:
        return MISSING

    def variable(self, name: str) -> Json | Missing:
        return MISSING

    def known(self) -> list[str]:
        return []


class Place:
    """Runs steps, and tells what they logged."""

    def __init__(self, root: Path) -> None:
        self.workspace = root / "workspace"
        self.workspace.mkdir()
        self._root = root
        self._sink = Recorder()
        self._task: ProcessTask | None = None

    async def run(self, kind: str, config: dict[str, Any], **data: Json) -> TaskEnded:
        context = StepContext(key=AttemptKey("i", f"step-{next(_numbers)}", 1), data=data, names=NoNames())
        task = BUILTIN[kind].plan_raw({"timeout": "30s", **config}, context)
        assert isinstance(task, ProcessTask)
        self._task = task
        executor = LocalExecutor(
            self._root / "state", self.workspace, self._sink, now=lambda: datetime(2030, 1, 1, tzinfo=UTC)
        )
        try:
            return await executor.run(task, executor.place(None))
        finally:
            await executor.close(timedelta())

    @property
    def stdout(self) -> str:
        assert self._task is not None
        return self._sink.bytes_of(self._task.key).decode()

    @property
    def stderr(self) -> str:
        assert self._task is not None
        return self._sink.bytes_of(self._task.key, Stream.STDERR).decode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class Server(ThreadingHTTPServer):
    """Answers from a list, then with its last item for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, str, str]] = [(200, "text/plain", "hello")]
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.server.asked.append((self.command, self.path, body, dict(self.headers)))
        answers = self.server.answers
        status, kind, text = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = answer  # noqa: N815  # the names that http.server looks for

    def log_message(self, *said: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_a_script_sees_the_data_puts_out_values_and_logs(place: Place) -> None:
    script = """
    interface Data { name: string; list: number[] }
    const data = Wfe.getData() as unknown as Data;
    Wfe.setOutput("greeting", `hi ${data.name}`);
    output("sum", inputs().list.reduce((a: number, b: number): number => a + b, 0));
    output("text", "1"); output("when", new Date(0)); output("nothing", undefined); output("sum2", 1.5);
    Wfe.log("logged", data.list); log("too");
    console.log("##wfe[output marker=1]");
    """
    ended = await place.run("deno", {"script": script}, name="Ada", list=[1, 2, 3])
    assert ended.outcome is TaskOutcome.COMPLETE, place.stderr
    assert ended.outputs == {
        "greeting": "hi Ada",
        "sum": 6,
        "text": "1",
        "when": "1970-01-01T00:00:00.000Z",
        "nothing": None,
        "sum2": 1.5,
    }
    assert place.stdout == "logged [ 1, 2, 3 ]\ntoo\n##wfe[output marker=1]\n"


async def test_outputs_put_out_before_an_explicit_exit_count(place: Place) -> None:
    ended = await place.run("deno", {"script": "output('a', 1); Deno.exit(0)"})
    assert ended.outputs == {"a": 1}


async def test_an_error_fails_the_step_and_is_in_its_log(place: Place) -> None:
    ended = await place.run("deno", {"script": "output('a', 1);\nthrow new Error('no luck')"})
    assert (ended.outcome, ended.exit_code, ended.outputs) == (TaskOutcome.FAILED, 1, {})
    assert "no luck" in place.stderr
    assert "script.ts:2" in place.stderr


async def test_a_script_that_never_ends_is_killed_with_all_it_started(place: Place) -> None:
    script = "new Deno.Command('sleep', {args: ['1000']}).spawn(); console.log('up'); for (;;);"
    config = {"script": script, "permissions": {"run": True}, "timeout": "500ms", "grace": "100ms"}
    ended = await place.run("deno", config)
    assert ended.outcome is TaskOutcome.TIMEOUT
    assert place.stdout == "up\n"


async def test_a_file_of_the_workspace_can_be_the_script(place: Place) -> None:
    (place.workspace / "job.ts").write_text("output('a', (inputs().b as number) + 1)")
    assert (await place.run("deno", {"file": "job.ts"}, b=1)).outputs == {"a": 2}


TRY: Callable[[str], str] = "output('said', await ({}))".format

PERMISSIONS = [
    pytest.param("net", ["SERVER"], "fetch('http://SERVER/').then((r) => r.text())", "hello", id="net"),
    pytest.param("net", True, "fetch('http://SERVER/').then((r) => r.text())", "hello", id="net-all"),
    pytest.param("net", "SERVER", "fetch('http://SERVER/').then((r) => r.text())", "hello", id="net-one"),
    pytest.param("read", ["in.txt"], "Deno.readTextFile('in.txt')", "content", id="read"),
    pytest.param("read", ["."], "Deno.readTextFile('in.txt')", "content", id="read-directory"),
    pytest.param("write", ["out"], "Deno.writeTextFile('out', 'x').then(() => 'done')", "done", id="write"),
    pytest.param("env", ["OWN"], "Deno.env.get('OWN')", "value", id="env"),
    pytest.param("env", True, "Deno.env.get('OWN')", "value", id="env-all"),
    pytest.param(
        "run",
        True,
        "new Deno.Command('echo', {args: ['ran']}).output().then((o) => new TextDecoder().decode(o.stdout).trim())",
        "ran",
        id="run",
    ),
]


@pytest.mark.parametrize(("name", "allowed", "expression", "said"), PERMISSIONS)
async def test_a_permission_allows_what_it_names(
    place: Place, server: Server, name: str, allowed: Any, expression: str, said: str
) -> None:
    (place.workspace / "in.txt").write_text("content")
    given = (
        [server.host if item == "SERVER" else item for item in allowed]
        if isinstance(allowed, list)
        else allowed
    )
    permissions = {name: server.host if given == "SERVER" else given}
    script = TRY(expression).replace("SERVER", server.host)
    ended = await place.run("deno", {"script": script, "permissions": permissions, "env": {"OWN": "value"}})
    assert ended.outputs == {"said": said}, place.stderr


@pytest.mark.parametrize(("name", "allowed", "expression", "said"), PERMISSIONS)
async def test_without_a_permission_it_is_denied_and_nobody_is_asked(
    place: Place, server: Server, name: str, allowed: Any, expression: str, said: str
) -> None:
    (place.workspace / "in.txt").write_text("content")
    everything_else = {"net": True, "read": True, "write": True, "env": True, "run": True, name: False}
    script = TRY(expression).replace("SERVER", server.host)
    ended = await place.run(
        "deno", {"script": script, "permissions": everything_else, "env": {"OWN": "value"}}
    )
    assert ended.outcome is TaskOutcome.FAILED
    assert "NotCapable" in place.stderr


@pytest.mark.parametrize(
    ("permissions", "expression"),
    [
        pytest.param({"net": ["127.0.0.1:1"]}, "fetch('http://SERVER/')", id="another-port"),
        pytest.param({"read": ["in.txt"]}, "Deno.readTextFile('../state/id')", id="another-file"),
        pytest.param({"write": ["out"]}, "Deno.writeTextFile('in.txt', '')", id="another-file-to-write"),
        pytest.param({"env": ["OTHER"]}, "(async () => Deno.env.get('OWN'))()", id="another-variable"),
        pytest.param(
            {}, "Deno.readTextFile(new URL('./data.json', import.meta.url))", id="the-engines-own-files"
        ),
    ],
)
async def test_a_permission_allows_nothing_besides(
    place: Place, server: Server, permissions: dict[str, Any], expression: str
) -> None:
    config = {
        "script": TRY(expression.replace("SERVER", server.host)),
        "permissions": permissions,
        "env": {"OWN": "x"},
    }
    assert (await place.run("deno", config)).outcome is TaskOutcome.FAILED
    assert "NotCapable" in place.stderr


MODULE = (200, "application/typescript", "export const value: string = 'from afar';")


@pytest.mark.parametrize(
    ("permissions", "works"),
    [
        pytest.param({"net": ["SERVER"], "dynamic_import": True}, True, id="its-host-is-named"),
        pytest.param({"net": ["SERVER"]}, False, id="no-remote-code-allowed"),
        pytest.param({"net": ["127.0.0.1:1"], "dynamic_import": True}, False, id="another-host-is-named"),
        pytest.param({"dynamic_import": True}, False, id="no-host-is-named"),
        pytest.param({"net": True, "dynamic_import": True}, True, id="all-hosts"),
    ],
)
@pytest.mark.parametrize(
    "how", ["import { value } from 'URL';", "const { value } = await import('U' + 'RL');"]
)
async def test_remote_code_comes_from_named_hosts_only(
    place: Place,
    server: Server,
    permissions: dict[str, Any],
    works: bool,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(place.workspace))
    server.answers = [MODULE]
    url = f"http://{server.host}/mod.ts"
    script = how.replace("'U' + 'RL'", f"'http:' + '//{server.host}/mod.ts'").replace("URL", url)
    given = {
        name: [server.host if host == "SERVER" else host for host in value]
        if isinstance(value, list)
        else value
        for name, value in permissions.items()
    }
    ended = await place.run("deno", {"script": script + "\noutput('said', value)", "permissions": given})
    assert (ended.outcome is TaskOutcome.COMPLETE) is works, place.stderr
    assert ended.outputs == ({"said": "from afar"} if works else {})
    assert bool(server.asked) is works


async def test_modules_are_fetched_beforehand_and_not_run(
    place: Place, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(place.workspace))
    server.answers = [(200, "application/javascript", "console.log('ran')")]
    config = {
        "script": "log('only me')",
        "modules": [f"http://{server.host}/mod.js"],
        "permissions": {"net": [server.host], "dynamic_import": True},
    }
    assert (await place.run("deno", config)).outcome is TaskOutcome.COMPLETE, place.stderr
    assert [path for _, path, _, _ in server.asked] == ["/mod.js"]
    assert place.stdout == "only me\n"


JSON = "application/json"


def texts(*bodies: str) -> list[tuple[int, str, str]]:
    return [(200, "text/plain", body) for body in bodies]


@pytest.mark.parametrize(
    ("until", "answers"),
    [
        pytest.param({}, [(503, JSON, "1"), (200, JSON, "1")], id="any-success"),
        pytest.param({"status": 404}, [(200, JSON, "1"), (404, JSON, "1")], id="a-status"),
        pytest.param(
            {"field": ".build.state", "equals": "done"},
            texts('{"build": {"state": "on"}}', '{"build": {"state": "done"}}'),
            id="a-field-equals",
        ),
        pytest.param(
            {"field": "items.1", "equals": {"a": [1]}},
            texts('{"items": [0]}', '{"items": [0, {"a": [1]}]}'),
            id="a-structure-equals",
        ),
        pytest.param(
            {"field": "tags", "contains": "b"},
            texts('{"tags": ["ab"]}', '{"tags": ["a", "b"]}'),
            id="a-list-contains",
        ),
        pytest.param({"contains": "ready"}, texts("not", "is ready"), id="the-body-contains"),
        pytest.param({"equals": "up"}, texts("down", "up"), id="the-body-equals"),
        pytest.param({"equals": None}, texts("0", "null"), id="the-body-is-null"),
        pytest.param({"status": 200, "contains": "x"}, [(500, JSON, "x"), (200, JSON, "x")], id="both"),
    ],
)
async def test_a_poll_asks_until_the_answer_is_the_one(
    place: Place, server: Server, until: dict[str, Any], answers: list[tuple[int, str, str]]
) -> None:
    server.answers = list(answers)
    config = {"url": f"http://{server.host}/state", "interval": "10ms", "until": until}
    assert (await place.run("poll", config)).outcome is TaskOutcome.COMPLETE, place.stderr
    assert len(server.asked) == len(answers)


@pytest.mark.parametrize(
    ("config", "body", "outputs"),
    [
        ({}, '{"a": 1, "b": [2]}', {"a": 1, "b": [2]}),
        ({"output": "answer"}, '{"a": 1}', {"answer": {"a": 1}}),
        ({"output": "answer"}, "plain", {"answer": "plain"}),
        ({"output": "answer"}, "[1]", {"answer": [1]}),
    ],
)
async def test_a_poll_puts_out_what_it_found(
    place: Place, server: Server, config: dict[str, Any], body: str, outputs: dict[str, Any]
) -> None:
    server.answers = [(200, JSON, body)]
    ended = await place.run("poll", {"url": f"http://{server.host}/", **config})
    assert ended.outputs == outputs


async def test_a_poll_sends_what_it_is_told_to(place: Place, server: Server) -> None:
    config = {
        "url": f"http://{server.host}/path?q=1",
        "method": "post",
        "headers": {"X-Token": "t", "Content-Type": "application/json"},
        "body": {"a": [1, "((b))"]},
    }
    assert (await place.run("poll", config | {"body": {"a": [1, "b"]}})).outcome is TaskOutcome.COMPLETE
    method, path, body, headers = server.asked[0]
    assert (method, path, body) == ("POST", "/path?q=1", '{"a":[1,"b"]}')
    assert headers.get("x-token", headers.get("X-Token")) == "t"


async def test_a_poll_goes_on_while_nobody_answers_and_fails_at_its_timeout(
    place: Place, server: Server
) -> None:
    server.server_close()
    config = {"url": f"http://{server.host}/", "interval": "10ms", "timeout": "700ms", "grace": "100ms"}
    ended = await place.run("poll", config)
    assert ended.outcome is TaskOutcome.TIMEOUT
    assert place.stdout.count("\n") > 1


async def test_the_local_environment_has_a_deno(place: Place) -> None:
    ended = await place.run("deno", {"script": "output('v', Deno.version.deno)"}, PATH=os.environ["PATH"])
    assert ended.outcome is TaskOutcome.COMPLETE
