"""Verbs and exit codes, by the real command."""

import json

import pytest

from tests.integration.cli import Cli

HELLO = """
workflow:
  id: hello
  version: 1
  inputs: {who: {type: string, default: world}}
  outputs: {greeting: string}
  steps:
    - name: greet
      config:
        run: |
          echo "hello $WHO"
          echo "greeting=hello $WHO" >> "$WFE_OUTPUT"
"""


def steps(run: str, more: str = "") -> str:
    return f"""
workflow:
  id: w
  version: 1
  steps:
    - name: one
      config: {{run: {json.dumps(run)}}}
{more}
"""


END = """
    - name: stop
      end: {status: Terminated, message: enough}
"""
SUSPENDS = "      error_behavior: {type: suspend}\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param(steps("true"), 0, "Complete", id="complete"),
        pytest.param(steps("exit 7"), 1, "Failed", id="failed"),
        pytest.param(steps("exit 7", SUSPENDS), 3, "wfe resume", id="suspended"),
        pytest.param(steps("true", END), 4, "enough", id="terminated"),
        pytest.param("workflow: {id: w, version: 1, stepps: []}", 2, "w.yaml:1:", id="invalid"),
        pytest.param("workflow: [", 2, "not YAML", id="no-yaml"),
    ],
)
def test_the_exit_code_says_how_a_run_ended(cli: Cli, text: str, code: int, said: str) -> None:
    done = cli("run", cli.write(text), code=code)

    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_inputs_reach_steps_and_outputs_come_back(cli: Cli) -> None:
    done = cli("run", cli.write(HELLO), "--input", "who=you")

    assert "greet | hello you" in done.stdout
    assert "  greeting: hello you" in done.stdout


def test_json_is_one_document_on_stdout_and_logs_go_to_stderr(cli: Cli) -> None:
    done = cli("run", cli.write(HELLO), "--output", "json", "--name", "first")
    document = json.loads(done.stdout)

    assert list(document) >= ["id", "name"]
    wanted = {"id", "name", "workflow", "version", "status", "data", "outputs", "error", "steps"}
    assert wanted <= set(document)
    assert (document["name"], document["status"], document["error"]) == ("first", "Complete", None)
    assert document["outputs"] == {"greeting": "hello world"}
    assert list(document["steps"][0]) == [
        "path", "name", "type", "status", "attempts", "exit_code", "started", "finished", "error",
    ]  # fmt: skip
    assert "greet | hello world" in done.stderr


def test_inputs_that_are_missing_start_nothing(cli: Cli) -> None:
    text = HELLO.replace("{type: string, default: world}", "string")

    done = cli("run", cli.write(text), code=2)

    assert "--input who=" in done.stderr
    assert "no instances" in cli("list").stderr


def test_a_name_in_use_is_refused_with_the_way_to_go_on(cli: Cli) -> None:
    cli("run", cli.write(HELLO), "--name", "mine")

    done = cli("run", "w.yaml", "--name", "mine", code=2)

    assert "wfe resume mine" in done.stderr


def test_a_file_that_is_not_there_is_said_in_one_line(cli: Cli) -> None:
    done = cli("run", "nowhere.yaml", code=2)

    assert done.stderr.splitlines() == ["wfe: `nowhere.yaml` cannot be read: No such file or directory"]


TWO = """
workflows:
  - {id: a, version: 1, steps: [{name: one, config: {run: "echo a"}}]}
  - {id: b, version: 1, steps: [{name: one, config: {run: "echo b"}}]}
"""


def test_of_several_workflows_one_must_be_chosen(cli: Cli) -> None:
    done = cli("run", cli.write(TWO), code=2)
    assert "--workflow" in done.stderr
    assert "`a`, `b`" in done.stderr

    assert "one | b" in cli("run", "w.yaml", "--workflow", "b").stdout


CHILD = """
workflows:
  - {id: inner, version: 1, inputs: {n: integer}, outputs: {m: integer},
     steps: [{name: add, config: {run: 'echo m=$((N + 1)) >> "$WFE_OUTPUT"; echo adding'}}]}
  - {id: outer, version: 1, outputs: {m: integer},
     steps: [{name: call, type: workflow, config: {workflow: inner, inputs: {n: 41}}}]}
"""


def test_the_workflow_that_no_other_calls_is_run_and_children_are_shown_under_their_steps(cli: Cli) -> None:
    document = cli.json("run", cli.write(CHILD))

    assert document["outputs"] == {"m": 42}
    assert [step["path"] for step in document["steps"]] == ["call", "call/add"]
    assert "adding" in cli("logs", document["id"]).stdout


def test_what_was_run_is_listed_shown_and_logged(cli: Cli) -> None:
    cli("run", cli.write(HELLO), "--name", "mine")

    assert "mine" in cli("list").stdout
    listed = cli.json("list")
    assert [(one["name"], one["status"]) for one in listed] == [("mine", "Complete")]
    shown = cli("show", "mine").stdout
    assert "✓ greet" in shown
    assert "greeting: hello world" in shown
    assert cli.json("show", listed[0]["id"])["status"] == "Complete"
    assert cli("logs", "mine").stdout == "hello world\n"
    assert cli("logs", "mine", "--step", "greet").stdout == "hello world\n"


def test_an_instance_that_is_not_there_is_said_in_one_line(cli: Cli) -> None:
    assert "no store" in cli("show", "nobody", code=2).stderr
    cli("run", cli.write(HELLO))

    for verb in ("show", "logs", "resume", "cancel", "suspend", "retry"):
        done = cli(verb, "nobody", code=2)
        assert done.stderr.splitlines() == [
            "wfe: there is no instance `nobody`; `wfe list` shows those there are"
        ]


FLAKY = steps(
    "echo x >> first",
    """
    - name: two
      config: {run: "echo x >> second; test -e fixed"}
""",
)


def test_a_retry_runs_only_what_is_left(cli: Cli) -> None:
    cli("run", cli.write(FLAKY), "--name", "broken", code=1)
    (cli.directory / "fixed").touch()

    cli("retry", "broken", "--name", "again")

    assert (cli.lines("first"), cli.lines("second")) == (["x"], ["x", "x"])
    assert "again" in cli("list").stdout
    cli("retry", "again", code=2)


def test_resume_runs_the_failed_step_of_a_suspended_instance_again(cli: Cli) -> None:
    text = steps("echo x >> tries; test -e fixed", SUSPENDS)
    cli("run", cli.write(text), "--name", "parked", code=3)
    cli("resume", "parked", code=3)
    (cli.directory / "fixed").touch()

    done = cli("resume", "parked")

    assert "Complete" in done.stdout
    assert cli.lines("tries") == ["x"] * 3


def test_resume_works_where_the_run_worked(cli: Cli) -> None:
    (cli.directory / "there").mkdir()
    text = steps("echo $GIVEN >> tries; test -e fixed", SUSPENDS)
    cli(
        "run",
        cli.write(text),
        "--workspace",
        "there",
        "--name",
        "p",
        "--env",
        "GIVEN",
        code=3,
        env={"GIVEN": "1"},
    )
    (cli.directory / "there/fixed").touch()

    cli("resume", "p", env={"GIVEN": "2"})

    assert cli.lines("there/tries") == ["1", "2"]


def test_variables_come_from_arguments_before_the_environment(cli: Cli) -> None:
    text = steps('echo "((a)) ((b))"')

    done = cli("run", cli.write(text), "--var", "a=1", env={"WFE_CONFIG": '{"a": 2, "b": {"c": 3}}'})

    assert 'one | 1 {"c":3}' in done.stdout


def test_problems_are_told_all_at_once_with_their_places(cli: Cli) -> None:
    text = 'workflow:\n  id: w\n  version: 1\n  steps:\n    - nam: one\n      config: {run: "x"}\n    - name: two\n'
    cli.write(HELLO, "good.yaml")

    done = cli("validate", cli.write(text), "good.yaml", code=2)
    assert "w.yaml:5:" in done.stdout
    assert "name" in done.stdout

    found = cli.json("validate", "w.yaml", code=2)
    assert set(found[0]) == {"file", "line", "column", "field", "severity", "what", "remedy"}
    assert cli("validate", "good.yaml").stdout == "1 file is valid\n"
    assert cli.json("validate", "good.yaml") == []


@pytest.mark.parametrize(
    ("format_", "start"),
    [("mermaid", "---"), ("dot", "digraph"), ("svg", "<svg"), ("text", "hello v1\n  greet")],
)
def test_a_workflow_is_drawn(cli: Cli, format_: str, start: str) -> None:
    cli.write(HELLO)

    assert cli("graph", "w.yaml", "--format", format_).stdout.startswith(start)


def test_a_step_gets_what_somebody_publishes(cli: Cli) -> None:
    text = """
workflow:
  id: w
  version: 1
  steps:
    - name: hear
      wait_for: {event: call, key: me}
    - name: say
      config: {run: "echo got $N"}
"""
    cli("publish", "call", "me", '{"n": 5}')
    text = text.replace("key: me", "key: me, as_of: always")

    assert "say | got 5" in cli("run", cli.write(text)).stdout


def test_an_activity_is_fetched_and_completed(cli: Cli) -> None:
    text = """
workflow:
  id: w
  version: 1
  outputs: {answer: integer}
  steps:
    - name: ask
      activity: {name: think, params: {about: everything}}
"""
    run = cli.start("run", cli.write(text), "--output", "json")
    cli.until((cli.directory / ".wfe/wfe.db").exists)

    fetched = json.loads(cli("activity", "fetch", "think", "--wait", "10").stdout)
    assert fetched["params"] == {"about": "everything"}
    cli("activity", "complete", fetched["token"], '{"answer": 42}')

    output, _ = run.communicate(timeout=240)
    assert run.returncode == 0
    assert '"answer": 42' in output


def test_the_schema_is_json(cli: Cli) -> None:
    assert "$schema" in json.loads(cli("schema").stdout)


def test_a_file_becomes_resources(cli: Cli) -> None:
    shown = cli("convert", cli.write(HELLO)).stdout

    assert "apiVersion: wfe.sunbeam.pt/v1alpha1" in shown
    assert "kind: Workflow" in shown
    assert "  name: hello" in shown


def test_services_are_refused_before_anything_is_started(cli: Cli) -> None:
    text = HELLO.replace("  steps:", "  services: {db: {image: postgres}}\n  steps:")

    done = cli("run", cli.write(text), code=2, env={"WFE_CONTAINER_CLI": "no-such-program"})

    assert "has services: services need Docker or Podman here: `no-such-program` is not" in done.stderr
    assert cli("validate", "w.yaml").returncode == 0


def test_services_of_a_workflow_that_does_not_begin_are_not_asked_for(cli: Cli) -> None:
    file = cli.write("""
workflows:
  - {id: plain, steps: [{name: call, type: workflow, config: {workflow: child}}]}
  - {id: child, steps: [{name: a, config: {run: "true"}}]}
  - {id: other, services: {db: {image: postgres}}, steps: [{name: a, config: {run: "true"}}]}
  - {id: outer, steps: [{name: call, type: workflow, config: {workflow: other}}]}
""")
    nowhere = {"WFE_CONTAINER_CLI": "no-such-program"}

    assert cli("run", file, "--workflow", "plain", env=nowhere).returncode == 0
    assert "`other` has services" in cli("run", file, "--workflow", "outer", code=2, env=nowhere).stderr


def test_what_means_nothing_here_is_said_once(cli: Cli) -> None:
    text = HELLO.replace("config:", "config:\n        image: alpine\n        memory: 1Gi")

    assert "`image`, `memory` mean nothing here" in cli("run", cli.write(text)).stderr


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        pytest.param("config:", "config:\n        image: alpine", "image", id="image"),
        pytest.param("config:", "config:\n        cpu: 500m", "cpu", id="cpu"),
        pytest.param("config:", "isolation: pod\n      config:", "isolation", id="isolation"),
        pytest.param("  steps:", "  shared_volume: {size: 1Gi}\n  steps:", "shared_volume", id="volume"),
        pytest.param("  steps:", "  retention: {complete: 1d}\n  steps:", "retention", id="retention"),
    ],
)
def test_one_word_that_means_nothing_here_means_nothing(cli: Cli, old: str, new: str, word: str) -> None:
    done = cli("run", cli.write(HELLO.replace(old, new)))

    assert f"so `{word}` means nothing here" in done.stderr


def test_a_workflow_that_is_another_than_before_is_told(cli: Cli) -> None:
    assert "another" not in cli("run", cli.write(HELLO)).stderr
    assert "another" not in cli("run", "w.yaml").stderr

    done = cli("run", cli.write(HELLO.replace("hello $WHO", "hi $WHO")))

    assert "hello v1 is another than before" in done.stderr


def test_a_secret_is_given_and_never_shown(cli: Cli) -> None:
    run = 'echo "it is $TOKEN"; test -e fixed'
    text = steps(run, SUSPENDS).replace('"}', '", env: {TOKEN: {secret: {name: T, key: k}}}}')
    cli("run", cli.write(text), "--name", "s", "--secret", "T=hunter22", code=3)
    assert "--secret T=" in cli("resume", "s", code=2).stderr
    (cli.directory / "fixed").touch()

    done = cli("resume", "s", "--secret", "T=hunter22")

    assert "it is ***" in done.stdout
    shown = done.stdout + cli("logs", "s").stdout + cli("show", "s", "--output", "json").stdout
    assert "hunter22" not in shown


def test_a_defect_is_told_in_one_line_unless_asked_for_more(cli: Cli) -> None:
    (cli.directory / ".wfe").mkdir()
    (cli.directory / ".wfe/wfe.db").write_text("no database, and long enough to be looked at " * 50)

    done = cli("list", code=2)

    assert done.stderr.startswith("wfe: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(cli: Cli, shell: str) -> None:
    assert "_WFE_COMPLETE" in cli("completion", shell).stdout
