"""Files become workflows, together with the files they name."""

from collections.abc import Mapping
from typing import Any

import pytest

from wfe.errors import DefinitionInvalid, NotFound
from wfe.graph.node import TaskSpec
from wfe.language.load import Loaded, load_text

STEPS = "steps: [{name: x, config: {run: 'true'}}]"


def load(
    text: str, files: Mapping[str, str | bytes] | None = None, file: str = "a.yaml", **more: Any
) -> Loaded:
    """Load a text among other files, which are read at most once."""
    left = dict(files or {})

    def read(path: str) -> bytes:
        if path not in left:
            raise NotFound(f"`{path}` is not there")
        content = left.pop(path)
        return content.encode() if isinstance(content, str) else content

    return load_text(text.encode(), file=file, read=read, **more)


def ids(loaded: Loaded) -> list[str]:
    return [each.graph.workflow.id for each in loaded.workflows]


def config(loaded: Loaded, step: str) -> Any:
    spec = loaded.require().workflows[0].graph.nodes[step].spec
    assert isinstance(spec, TaskSpec)
    return spec.config


def test_one_workflow() -> None:
    loaded = load(f"workflow: {{id: a, {STEPS}}}").require()
    assert ids(loaded) == ["a"]
    assert loaded.problems == ()


def test_several_workflows_in_their_order() -> None:
    assert ids(load(f"workflows: [{{id: b, {STEPS}}}, {{id: a, {STEPS}}}]").require()) == ["b", "a"]


def test_a_workflow_without_mistakes_is_loaded_beside_one_with() -> None:
    loaded = load(f"workflows: [{{id: b, {STEPS}}}, {{id: a}}]")
    assert ids(loaded) == ["b"]
    with pytest.raises(DefinitionInvalid) as raised:
        loaded.require()
    assert [problem.field for problem in raised.value.problems] == ["workflows[1]"]


def test_a_warning_keeps_nothing_from_loading() -> None:
    loaded = load("workflow: {id: a, steps: [{name: x, type: containerd}]}").require()
    assert [problem.severity for problem in loaded.problems] == ["warning"]
    assert loaded.warnings == loaded.problems
    assert ids(loaded) == ["a"]


def test_variables_are_names_there_are() -> None:
    text = "workflow: {id: a, steps: [{name: x, config: {run: 'echo ((v)) ${{ var.v }}'}}]}"
    assert load(text, variables=["v"]).problems == ()
    assert len(load(text).problems) == 2


def test_included_files_are_relative_to_the_file_that_includes_them() -> None:
    files = {
        "dir/sub/b.yaml": f"include: [../c.yaml]\nworkflow: {{id: b, {STEPS}}}",
        "dir/c.yaml": f"workflow: {{id: c, {STEPS}}}",
    }
    loaded = load(f"include: [sub/b.yaml]\nworkflow: {{id: a, {STEPS}}}", files, "dir/a.yaml")
    assert ids(loaded.require()) == ["a", "b", "c"]


def test_a_file_that_two_others_include_is_read_once() -> None:
    files = {
        "b.yaml": f"include: [d.yaml]\nworkflow: {{id: b, {STEPS}}}",
        "c.yaml": f"include: [./d.yaml]\nworkflow: {{id: c, {STEPS}}}",
        "d.yaml": f"workflow: {{id: d, {STEPS}}}",
    }
    assert ids(load("include: [b.yaml, c.yaml]", files).require()) == ["b", "d", "c"]


def test_files_that_include_each_other_are_a_mistake() -> None:
    loaded = load(f"include: [b.yaml]\nworkflow: {{id: a, {STEPS}}}", {"b.yaml": "include: [a.yaml]"})
    (problem,) = loaded.problems
    assert "in a circle: `a.yaml` → `b.yaml` → `a.yaml`" in problem.what
    assert (problem.file, problem.line, problem.column) == ("b.yaml", 1, 11)


def test_the_file_that_includes_wins() -> None:
    loaded = load(
        f"include: [b.yaml]\nworkflow: {{id: a, name: mine, {STEPS}}}",
        {"b.yaml": f"workflow: {{id: a, {STEPS}}}"},
    )
    assert [each.graph.name for each in loaded.require().workflows] == ["mine"]
    assert [problem.file for problem in loaded.warnings] == ["b.yaml"]


def test_children_are_known_across_files() -> None:
    files = {
        "b.yaml": "workflow: {id: b, outputs: {o: any}, steps: [{name: x, outputs: [o], config: {run: 'true'}}]}"
    }
    text = """
include: [b.yaml]
workflow:
  id: a
  steps:
    - {name: b, type: workflow, config: {workflow: b}}
    - {name: y, config: {run: 'echo ((o)) ((p))'}}
"""
    assert [problem.what[:7] for problem in load(text, files).problems] == ["`((p))`"]


def test_scripts_in_files_become_part_of_the_definition() -> None:
    text = """
workflow:
  id: a
  inputs: {v: string}
  steps:
    - {name: x, config: {file: bin/x.sh, timeout: 5s}}
    - {name: y, type: deno, config: {file: y.ts}}
    - name: z
      parallel:
        - {name: z1, config: {file: ./z.sh}, on_failure: {config: {file: h.sh}}}
    - {name: w, config: {file: made-((v)).sh}}
"""
    files = {"bin/x.sh": "echo ((v))\n", "y.ts": "Wfe.log(1)", "z.sh": "true", "h.sh": "false"}
    loaded = load(text, files)
    assert config(loaded, "x") == {
        "run": 'echo "${WFE_VAR_1}"\n', "bindings": {"WFE_VAR_1": "((v))"}, "timeout": "5s",
    }  # fmt: skip
    assert config(loaded, "y") == {"script": "Wfe.log(1)"}
    assert config(loaded, "z/z1") == {"run": "true"}
    assert config(loaded, "z/z1/on_failure") == {"run": "false"}
    assert config(loaded, "w") == {"file": "made-((v)).sh"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file `x.sh` to run"),
        (b"\xff", "is not UTF-8 text"),
        (b"#" * (1 << 20) + b"#", "are the most"),
    ],
)
def test_a_script_that_cannot_be_taken_is_a_mistake(content: bytes | None, says: str) -> None:
    files = {} if content is None else {"x.sh": content}
    (problem,) = load("workflow: {id: a, steps: [{name: x, config: {file: x.sh}}]}", files).problems
    assert says in problem.what
    assert problem.field == "workflow.steps[0].config.file"


def test_a_mistake_in_a_script_is_told_with_the_scripts_line() -> None:
    (problem,) = load(
        "workflow: {id: a, steps: [{name: x, config: {file: x.sh}}]}", {"x.sh": "true\n\n  echo '((nope))'"}
    ).problems
    assert (problem.file, problem.line, problem.column) == ("x.sh", 3, 9)


@pytest.mark.parametrize(
    ("config", "line", "column"),
    [
        pytest.param('{run: "echo ((nope))"}', 5, 24, id="in-quotes"),
        pytest.param("{run: echo ((nope))}", 5, 23, id="plain"),
        pytest.param("\n    run: |\n      # x\n      echo ((nope))\n", 8, 12, id="in-a-block"),
        pytest.param(
            "\n    run: |2-\n\n        echo\n       ((nope))\n", 9, 8, id="with-its-own-indentation"
        ),
        pytest.param("\n    run: >\n      echo\n      ((nope))\n", 6, 10, id="folded"),
        pytest.param('{run: "a\\tb ((nope))"}', 5, 18, id="escaped"),
    ],
)
def test_a_mistake_in_a_text_is_told_with_its_place(config: str, line: int, column: int) -> None:
    (problem,) = load(f"workflow:\n id: a\n steps:\n - name: x\n   config: {config}").problems
    assert (problem.line, problem.column) == (line, column)


def test_anchors_and_merge_keys() -> None:
    text = """
_templates:
  slow: &slow {timeout: 5m, env: {A: one, B: two}}
  big: &big {memory: 1Gi, timeout: 9m}
workflow:
  id: a
  steps:
    - name: x
      config: {<<: [*slow, *big], run: 'true', env: {A: three}}
"""
    assert config(load(text), "x") == {"timeout": "5m", "memory": "1Gi", "run": "true", "env": {"A": "three"}}


def test_a_merge_key_in_quotes_is_a_key() -> None:
    (problem,) = load(f'workflow: {{id: a, "<<": {{}}, {STEPS}}}').problems
    assert problem.what == "there is no key `<<` here"


def test_values_of_an_environment_are_texts_as_they_were_written() -> None:
    env = "{V: 3.10, N: 007, T: yes, E: 12e34, B: true}"
    text = f"workflow: {{id: a, steps: [{{name: x, config: {{run: 'true', env: {env}}}}}]}}"
    assert config(load(text), "x")["env"] == {"V": "3.10", "N": "007", "T": "yes", "E": "12e34", "B": True}


def test_cases_are_texts_as_they_were_written() -> None:
    text = f"""
workflow:
  id: a
  inputs: {{v: any}}
  steps:
    - switch: {{value: .v, cases: {{1.10: [&s {STEPS[8:-1]}], true: [{{delay: 1}}], ~: [{{delay: 2}}]}}}}
"""
    spec: Any = load(text).require().workflows[0].graph.nodes["switch"].spec
    assert list(spec.cases) == ["1.10", "true", "~"]


def test_problems_are_in_the_order_of_the_file_and_each_once() -> None:
    text = (
        "workflow:\n  id: a\n  bad: 1\n  steps:\n  - &s {name: x, oops: 1, config: {run: 'true'}}\n  - *s\n"
    )
    assert [(problem.line, problem.what[:22]) for problem in load(text).problems] == [
        (3, "there is no key `bad` "),
        (5, "there are two steps na"),
        (5, "there is no key `oops`"),
        (5, "there is no key `oops`"),
    ]


def test_a_file_with_everything_wrong_is_told_without_an_exception() -> None:
    loaded = load("include: 5\nworkflow: 7\nworkflows: {}\nother: 1\n")
    assert len(loaded.errors) == 5
    assert loaded.workflows == ()
