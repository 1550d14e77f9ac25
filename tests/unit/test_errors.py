import pickle

import pytest

from wfe.errors import Conflict, DefinitionInvalid, Permanent, Problem, Retryable, StoreUnavailable


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(
            Problem("no step", "add one", "a.yaml", 3, 5), "a.yaml:3:5: no step; add one", id="file"
        ),
        pytest.param(Problem("no step", "add one", "a.yaml"), "a.yaml: no step; add one", id="file-only"),
        pytest.param(Problem("no step", "add one", line=3), "line:3: no step; add one", id="line-only"),
        pytest.param(
            Problem("no step", "add one", field="steps"), "steps: no step; add one", id="field-only"
        ),
        pytest.param(Problem("no step", ""), "no step", id="nothing-to-add"),
        pytest.param(
            Problem("odd", "look", "a.yaml", 1, 2, severity="warning"),
            "a.yaml:1:2: warning: odd; look",
            id="warning",
        ),
    ],
)
def test_a_problem_says_where_what_and_the_way_out(problem: Problem, expected: str) -> None:
    assert str(problem) == expected


def test_an_invalid_definition_lists_every_problem_and_survives_pickling() -> None:
    error = DefinitionInvalid((Problem("one", "fix it"), Problem("two", "fix that")))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert str(again) == "one; fix it\ntwo; fix that"
    assert again.problems == error.problems


def test_the_class_says_whether_to_try_again() -> None:
    assert issubclass(StoreUnavailable, Retryable)
    assert issubclass(Conflict, Retryable)
    assert issubclass(DefinitionInvalid, Permanent)
    assert not issubclass(Permanent, Retryable)


async def test_an_async_test_runs() -> None:
    assert pickle.dumps(None)
