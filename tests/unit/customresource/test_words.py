"""What a person reads in `kubectl get` and `kubectl describe`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from wfe.model.failure import Failure, Reason
from wfe.model.instance import Counts
from wfe.model.pointer import Phase, Progress, Wait
from wfe.model.status import InstanceStatus, StepStatus
from wfe.providers.customresource.words import Before, refusal, span, words_of
from wfe.testing.builders import NOON, InstanceBuilder, a_pointer, a_record, an_instance, running

LATER = NOON + timedelta(seconds=90)


def told(instance: InstanceBuilder, **before: Any) -> dict[str, Any]:
    return words_of(instance(), Before(**before), now=LATER)


def a_run(**changes: Any) -> InstanceBuilder:
    return an_instance(status=InstanceStatus.RUNNING, started_at=NOON, **changes)


def ended(status: InstanceStatus, **changes: Any) -> InstanceBuilder:
    return an_instance(status=status, started_at=NOON, finished_at=LATER, **changes)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (47.4, "47s"),
        (90, "1m30s"),
        (7500, "2h5m"),
        (90061, "1d1h1m"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_an_instance_at_work_says_where_it_is() -> None:
    run = (
        a_run(counts=Counts(complete=2, skipped=1))
        .with_step("test", running(attempt=2))
        .with_step("lint", running())
    )
    words = told(run, steps=7)
    assert (words["phase"], words["progress"], words["step"], words["reason"]) == (
        "Running",
        "3/7",
        "test +1",
        None,
    )
    assert words["running"][0] == {
        "step": "test",
        "status": "Running",
        "attempt": 2,
        "since": "2030-01-01T12:00:00Z",
    }


def test_loops_make_more_steps_known() -> None:
    run = a_run(counts=Counts(complete=50)).with_step("each[50]/a", running())
    assert told(run, steps=3)["progress"] == "50/51"
    assert told(ended(InstanceStatus.COMPLETE, counts=Counts(complete=4)), steps=7)["progress"] == "4/4"
    assert told(ended(InstanceStatus.FAILED, counts=Counts(complete=4)), steps=7)["progress"] == "4/7"


def test_a_container_is_told_by_what_runs_in_it() -> None:
    each = a_pointer(status=StepStatus.RUNNING, progress=Progress(live=1))
    assert told(a_run().with_step("each", each).with_step("each[0]/a", running()))["step"] == "each[0]/a"


def test_why_nothing_happens_is_said() -> None:
    waiting = a_pointer(status=StepStatus.WAITING, wait=Wait(event="paid", key="order 1"))
    words = told(a_run().with_step("pay", waiting))
    assert (words["reason"], words["message"]) == (
        "Waiting",
        "step `pay` waits for event `paid` with key `order 1`",
    )
    failure = Failure(reason=Reason.EXIT_CODE, message="it ended with exit code 2", exit_code=2)
    sleeping = a_pointer(phase=Phase.SLEEPING, status=StepStatus.SLEEPING, failure=failure, wake_at=LATER)
    words = told(a_run().with_step("fetch", sleeping))
    assert words["reason"] == "Retrying"
    assert words["message"] == (
        "step `fetch`: it ended with exit code 2; tried again at 2030-01-01T12:01:30Z"
    )


def test_a_failure_is_a_word_and_a_sentence() -> None:
    failure = Failure(reason=Reason.EXIT_CODE, message="it ended with exit code 2", step="build", exit_code=2)
    words = told(ended(InstanceStatus.FAILED, failure=failure), generation=3)
    assert (words["reason"], words["message"], words["duration"]) == (
        "ExitCode",
        "step `build`: it ended with exit code 2",
        "1m30s",
    )
    conditions = {
        one["type"]: (one["status"], one["reason"], one["observedGeneration"]) for one in words["conditions"]
    }
    assert conditions == {
        "Accepted": ("True", "Accepted", 3),
        "Complete": ("False", "ExitCode", 3),
        "Failed": ("True", "ExitCode", 3),
        "Finished": ("True", "Failed", 3),
    }


def test_a_cancelled_instance_is_neither_complete_nor_failed() -> None:
    words = told(ended(InstanceStatus.TERMINATED, reason="cancelled on request"))
    said = {one["type"]: one["status"] for one in words["conditions"]}
    assert said == {"Accepted": "True", "Complete": "False", "Failed": "False", "Finished": "True"}
    assert (words["reason"], words["message"]) == ("Terminated", "cancelled on request")


def test_conditions_keep_the_time_of_their_last_change() -> None:
    first = words_of(a_run()(), Before(), now=NOON)["conditions"]
    suspended = an_instance(status=InstanceStatus.SUSPENDED, reason="lunch")
    second = words_of(suspended(), Before(conditions=tuple(first)), now=LATER)["conditions"]
    third = words_of(a_run()(), Before(conditions=tuple(second)), now=LATER + timedelta(hours=1))[
        "conditions"
    ]
    times = [{one["type"]: one["lastTransitionTime"][11:19] for one in said} for said in (second, third)]
    assert times == [
        {"Accepted": "12:00:00", "Suspended": "12:01:30"},
        {"Accepted": "12:00:00", "Suspended": "13:01:30"},
    ]
    assert [one["status"] for one in third] == ["True", "False"]


def test_the_last_ends_are_lines() -> None:
    failure = Failure(reason=Reason.EXIT_CODE, message="", exit_code=2)
    records = (a_record(6), a_record(7, path="each[3]/test", status=StepStatus.FAILED, failure=failure))
    words = told(a_run(), recent=("1", "2", "3", "4"), records=records)
    assert words["recent"] == [
        "2",
        "3",
        "4",
        "12:00:01 build Complete 1.0s",
        "12:00:01 each[3]/test Failed (ExitCode 2) 1.0s",
    ]


def test_outputs_are_json_and_big_ones_are_named() -> None:
    words = told(ended(InstanceStatus.COMPLETE, outputs={"n": 1.0, "text": "é", "big": "x" * 600, "a\nb": 1}))
    assert words["outputs"] == {"n": "1.0", "text": '"é"'}
    assert words["omittedOutputs"] == ["big", "a\\nb"]


def test_nothing_a_user_says_makes_the_status_big_or_unwritable() -> None:
    failure = Failure(reason=Reason.ERROR, message="half \ud83d" + "x" * 100_000)
    outputs = {f"{number}" * 100: "y" * 500 for number in range(200)}
    run = ended(InstanceStatus.FAILED, failure=failure, outputs=outputs)
    for number in range(400):
        run = run.with_step(f"{'deep/' * 100}{number}", running())
    words = told(run, records=tuple(a_record(number, path="p" * 5000) for number in range(9)))
    text = repr(words).encode()
    assert len(text) < 24_000
    assert len(words["running"]) == 10


def test_a_refusal_says_why_an_instance_stays_pending() -> None:
    words = refusal("WorkflowInvalid", "workflow `x` is not there", 2, now=NOON)
    assert (words["phase"], words["active"], words["conditions"][0]["status"]) == ("Pending", True, "False")


def test_what_is_no_longer_so_is_taken_back() -> None:
    words = told(replace(a_run()))
    nothing = {key for key, value in words.items() if value is None}
    assert nothing >= {"reason", "message", "step", "finishedAt", "duration", "outputs", "running", "recent"}
