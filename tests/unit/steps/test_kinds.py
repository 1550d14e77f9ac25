"""From a configuration to a task."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from wfe.expr.names import MISSING, Missing
from wfe.model.ids import AttemptKey
from wfe.model.json import Json
from wfe.model.task import OutputFormat, ProcessTask, PythonTask
from wfe.steps import BUILTIN, ConfigInvalid, StepContext, ignored_keys

KEY = AttemptKey("run-1", "each[0]/build", 2)


class Visible:
    """Names over plain dictionaries."""

    def __init__(self, data: dict[str, Json], variables: dict[str, Json]) -> None:
        self._data, self._variables = data, variables

    def value(self, name: str) -> Json | Missing:
        return self._data.get(name, MISSING)

    def variable(self, name: str) -> Json | Missing:
        return self._variables.get(name, MISSING)

    def known(self) -> list[str]:
        return sorted({*self._data, *self._variables})


def a_context(extra_env: dict[str, str] | None = None, **data: Json) -> StepContext:
    return StepContext(key=KEY, data=data, names=Visible(data, {"zone": "eu"}), extra_env=extra_env or {})


def planned(kind: str, config: dict[str, Any], context: StepContext | None = None) -> ProcessTask:
    task = BUILTIN[kind].plan_raw(config, context or a_context())
    assert isinstance(task, ProcessTask)
    return task


def test_a_shell_step_is_its_script_in_a_file_and_the_data_beside_it() -> None:
    task = planned("shell", {"run": "echo $NAME\n"}, a_context(name="x", n=[1]))
    assert task.key == KEY
    assert task.argv == ("sh", "{dir}/script")
    assert task.files["script"] == b"echo $NAME\n"
    assert json.loads(task.files["data.json"]) == {"name": "x", "n": [1]}
    assert (task.env["NAME"], task.env["N"]) == ("x", "[1]")


def test_a_step_knows_which_one_it_is_and_a_hook_what_failed() -> None:
    env = planned("shell", {"run": "x"}, a_context({"WFE_ERROR": "bad", "WFE_EXIT_CODE": "3"})).env
    assert env == {
        "WFE_INSTANCE": "run-1",
        "WFE_STEP": "each[0]/build",
        "WFE_ATTEMPT": "2",
        "WFE_ERROR": "bad",
        "WFE_EXIT_CODE": "3",
    }


def test_the_env_of_the_config_wins_over_data_and_bindings_and_its_values_become_text() -> None:
    config = {
        "run": "x",
        "bindings": {"A": "from ((a))", "B": "((b))", "C": "((c))"},
        "env": {"A": 1, "T": True, "NONE": None, "LIST": ["((a))"]},
    }
    env = planned("shell", config, a_context(a="data", b={"k": 1}, c=None)).env
    assert (env["A"], env["B"], env["C"]) == ("1", '{"k":1}', "")
    assert (env["T"], env["NONE"], env["LIST"]) == ("true", "", '["data"]')


def test_a_script_is_taken_word_by_word() -> None:
    script = "echo ((a)) $((1+1)) ${{ var.zone }}"
    assert planned("shell", {"run": script}).files["script"] == script.encode()


def test_a_secret_is_asked_for_and_stands_nowhere() -> None:
    task = planned(
        "shell",
        {"run": "x", "env": {"TOKEN": {"secret": {"name": "ci", "key": "token"}}}},
        a_context(token="t"),
    )
    assert task.secrets == {"TOKEN": ("ci", "token")}
    assert "TOKEN" not in task.env


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        ({"timeout": "1m30s"}, "timeout", timedelta(seconds=90)),
        ({"timeout": 5}, "timeout", timedelta(seconds=5)),
        ({}, "timeout", timedelta(hours=1)),
        ({"timeout": "((limit))"}, "timeout", timedelta(minutes=2)),
        ({"grace": "500ms"}, "grace", timedelta(milliseconds=500)),
        ({"working_dir": "sub/((dir))"}, "working_dir", "sub/src"),
        ({"image": "golang:((tag))"}, "image", "golang:1.26"),
        ({"memory": "1Gi", "cpu": 1}, "memory", "1Gi"),
        ({"cpu": "500m"}, "cpu", "500m"),
        ({"cpu": 2}, "cpu", "2"),
        ({"shell": "bash -eu"}, "argv", ("bash", "-eu", "{dir}/script")),
        ({"stdout_outputs": False}, "stdout_outputs", False),
        ({"stdout_outputs": "((no))"}, "stdout_outputs", False),
    ],
)
def test_a_key_of_the_config_is_a_field_of_the_task(
    config: dict[str, Any], field: str, value: object
) -> None:
    context = a_context(limit="2m", dir="src", tag=1.26, no=False)
    assert getattr(planned("shell", {"run": "x", **config}, context), field) == value


def test_a_file_is_run_where_the_step_works() -> None:
    task = planned("shell", {"file": "ci/build.sh"})
    assert task.argv == ("sh", "ci/build.sh")
    assert set(task.files) == {"data.json"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"timeout": "((limit))"}, ["config.timeout", "soon", "30s"]),
        ({"image": "((nothing))"}, ["config.image", "nothing"]),
        ({"memory": "((limit))"}, ["config.memory", "512Mi"]),
        ({"shell": "'"}, ["config.shell", "quote"]),
        ({"env": {"A": "((long))"}}, ["A", "WFE_DATA"]),
    ],
)
def test_a_value_that_is_wrong_now_that_it_is_known_is_told_in_a_sentence(
    config: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        planned("shell", {"run": "x", **config}, a_context(limit="soon", long="x" * 200_000))
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("shell", {"run": "x", "timeout": "((t))", "memory": "((m))", "stdout_outputs": "((b))"}),
        ("shell", {"run": "x", "env": "((e))", "cpu": "((c))", "bindings": {"A": "((a))"}}),
        ("shell", {"run": "x", "inputs": {"a": "/x"}, "outputs": ["a", "b"]}),
        ("deno", {"script": "x", "permissions": {"net": ["((host))"], "run": "${{ var.may }}", "read": "((r))"}}),
        ("deno", {"file": "x.ts", "permissions": {"net": True}, "modules": ["npm:x"], "env": {"A": 1}}),
        ("k8s", {"image": "x", "run": "y", "namespace": "n", "kubeconfig": "k", "pull_policy": "Always"}),
        ("poll", {"url": "((u))", "interval": "((i))", "until": {"status": "((s))"}}),
        ("python", {"callable": "x", "timeout": "((t))"}),
    ],
)  # fmt: skip
def test_a_placeholder_may_stand_where_a_value_does(kind: str, config: dict[str, Any]) -> None:
    BUILTIN[kind].check(config)


@pytest.mark.parametrize(
    ("kind", "config", "place"),
    [
        ("shell", {"run": "x", "timeout": "soon"}, "timeout"),
        ("shell", {"run": "x", "timout": "1s"}, "timout"),
        ("shell", {"run": "x", "env": {"a-b": "c"}}, "env"),
        ("shell", {"run": "x", "env": {"A": {"secret": {"name": "n"}}}}, "env"),
        ("shell", {"run": "x", "memory": "lots"}, "memory"),
        ("shell", {"run": ""}, "run"),
        ("deno", {"script": "x", "permissions": {"everything": True}}, "permissions"),
        ("poll", {"url": "http://x", "method": "SHOUT"}, "method"),
        ("kubernetes", {"run": "x"}, "image"),
    ],
)
def test_a_wrong_key_or_value_is_found_at_load_with_its_place(
    kind: str, config: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        BUILTIN[kind].check(config)
    assert [error["loc"][0] for error in caught.value.errors()] == [place]


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("shell", {}, "`run`"),
        ("shell", {"run": "x", "file": "y"}, "one of"),
        ("deno", {"script": "x", "file": "y"}, "one of"),
        ("kubernetes", {"image": "x"}, "nothing to run"),
        ("poll", {"url": "http://x", "until": {"equals": 1, "contains": 1}}, "both"),
        ("poll", {"url": "http://x", "until": {"field": "a"}}, "beside"),
    ],
)
def test_keys_that_do_not_go_together_are_found_at_load(
    kind: str, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        BUILTIN[kind].check(config)


def test_keys_without_meaning_are_known_with_a_reason() -> None:
    assert set(ignored_keys(BUILTIN["k8s"].config)) == {
        "inputs", "pull_policy", "namespace", "kubeconfig", "service_account", "node_selector",
    }  # fmt: skip
    assert all(ignored_keys(BUILTIN["k8s"].config).values())


def test_every_key_says_what_it_is_for() -> None:
    missing = [
        f"{kind}.{name}"
        for kind, it in BUILTIN.items()
        for name, info in it.config.model_fields.items()
        if not info.description and name not in ignored_keys(it.config)
    ]
    assert missing == []


def test_a_kubernetes_step_with_a_script_is_a_shell_step_in_its_image() -> None:
    task = planned("kubernetes", {"image": "alpine:3", "run": "echo hi"})
    assert (task.argv, task.image) == (("/bin/sh", "{dir}/script"), "alpine:3")
    assert planned("k8s", {"image": "alpine:3", "command": ["echo", "hi"]}).argv == ("echo", "hi")


@pytest.mark.parametrize(
    ("permissions", "flags"),
    [
        ({}, ["--allow-write={dir}/output", "--no-remote"]),
        ({"net": ["a:1", "b"]}, ["--allow-net=a:1,b", "--allow-write={dir}/output", "--no-remote"]),
        ({"net": True}, ["--allow-net", "--allow-write={dir}/output", "--no-remote"]),
        (
            {"read": ["."], "env": ["A"]},
            ["--allow-read=.", "--allow-env=A", "--allow-write={dir}/output", "--no-remote"],
        ),
        ({"write": True, "run": True}, ["--allow-write", "--allow-run", "--no-remote"]),
        ({"write": ["out"]}, ["--allow-write={dir}/output,out", "--no-remote"]),
        ({"dynamic_import": True}, ["--allow-write={dir}/output", "--no-remote"]),
        (
            {"dynamic_import": True, "net": ["a"]},
            ["--allow-net=a", "--allow-write={dir}/output", "--allow-import=a"],
        ),
    ],
)
def test_permissions_are_flags_and_nothing_is_allowed_besides(
    permissions: dict[str, Any], flags: list[str]
) -> None:
    task = planned("deno", {"script": "x", "permissions": permissions})
    given = [word for word in task.argv if word.startswith(("--allow", "--no-remote"))]
    assert given == flags
    assert {"--no-prompt", "--no-npm", "--no-config", "--no-lock"} <= set(task.argv)
    assert task.output_format is OutputFormat.JSON


def test_a_permission_cannot_smuggle_in_another() -> None:
    with pytest.raises(ConfigInvalid, match="its own item"):
        planned("deno", {"script": "x", "permissions": {"net": ["((hosts))"]}}, a_context(hosts="a,b"))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://a/x", "a:80"),
        ("https://a/x", "a:443"),
        ("http://a:8080", "a:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_a_poll_may_speak_to_its_host_only(url: str, host: str) -> None:
    task = planned("poll", {"url": url})
    assert [word for word in task.argv if word.startswith("--allow-net")] == [f"--allow-net={host}"]


@pytest.mark.parametrize("url", ["ftp://a", "nonsense", "http://", "http://a:x"])
def test_a_poll_of_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"config\.url"):
        planned("poll", {"url": url})


def test_a_python_step_is_a_call_of_its_callable() -> None:
    task = BUILTIN["python"].plan_raw(
        {"callable": "f", "config": {"a": "((n))"}, "timeout": "2s"}, a_context(n=1)
    )
    assert isinstance(task, PythonTask)
    assert (task.callable_id, task.config, task.timeout) == ("f", {"a": 1}, timedelta(seconds=2))
    assert task.data == {"n": 1}
