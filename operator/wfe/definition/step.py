"""A step, as it is written."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from wfe.definition import constructs
from wfe.definition.conditions import ConditionModel
from wfe.definition.strict import DataName, Duration, DurationTemplate, Model, as_written
from wfe.model.json import Json

Where = tuple[str | int, ...]
CONSTRUCTS: Final = (
    "parallel", "sequence", "if", "switch", "while", "for_each", "saga", "wait_for", "delay", "until",
    "activity", "poll", "recur", "schedule", "end",
)  # fmt: skip
_FIELDS: Final = {key: f"{key}_" if key in {"if", "while"} else key for key in CONSTRUCTS}
CONTAINERS: Final = frozenset(
    {"parallel", "sequence", "if", "switch", "while", "for_each", "saga", "recur", "schedule"}
)
ROLES: Final = ("on_success", "on_failure", "ensure", "compensate")


class ErrorBehavior(Model):
    """What happens when a step fails."""

    type: Literal["terminate", "retry", "suspend", "compensate"] = Field(
        description="End the instance, try again, wait for somebody to resume, or undo the step and go on."
    )
    interval: Duration = Field("5s", description="The pause before the first retry.")
    max_retries: int = Field(3, ge=0, le=1_000_000, description="Attempts after the first; 0 is none.")
    backoff: float = Field(1.0, ge=1, le=100, description="What each pause is multiplied by.")
    max_interval: Duration | None = Field(None, description="The longest pause.")
    jitter: float = Field(0.0, ge=0, le=1, description="How much of a pause may be added by chance.")
    on_lost: Literal["retry", "fail"] = Field(
        "retry", description="Losing the pod or process: try again or fail."
    )
    max_losses: int = Field(3, ge=0, le=1000, description="How often it may be lost before it fails.")


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Item(Model):
    """A name of an output or an input of a step."""

    name: str = Field(min_length=1, max_length=256, description="The name.")
    path: str | None = Field(None, description="Accepted, and without meaning here.")
    json_path: str | None = Field(None, description="Accepted, and without meaning here.")


def _config(value: Any) -> Any:
    return {**value, "env": as_written(value["env"])} if isinstance(value, dict) and "env" in value else value


Items = tuple[Annotated[Item, BeforeValidator(_named, json_schema_input_type=Item | str)], ...]


class If(Model):
    """Steps for when a condition holds, and others for when it does not."""

    condition: ConditionModel = Field(description="What decides.")
    then: tuple["Step", ...] = Field(min_length=1, description="Steps that run if it holds.")
    else_: tuple["Step", ...] | None = Field(None, alias="else", description="Steps that run if it does not.")


class Switch(Model):
    """Steps by a value. Cases compare as text; the first that fits runs."""

    value: Json = Field(description="A placeholder such as `((kind))`, or a path such as `.kind`.")
    cases: dict[str, tuple["Step", ...]] = Field(min_length=1, description="Steps by the text of the value.")
    default: tuple["Step", ...] | None = Field(None, description="Steps for every other value.")

    def groups(self, key: str) -> Iterator[tuple[Where, tuple["Step", ...]]]:
        """Yield the lists of steps in it, and where they stand below the key."""
        for case, steps in self.cases.items():
            yield (key, "cases", case), steps
        if self.default is not None:
            yield (key, "default"), self.default


class While(Model):
    """Steps that repeat while a condition holds; it is tested before each round."""

    condition: ConditionModel = Field(description="What is tested before each round.")
    steps: tuple["Step", ...] = Field(min_length=1, description="Steps of a round.")
    max_iterations: int = Field(1000, ge=1, le=1_000_000, description="More rounds than this are a failure.")


class ForEach(Model):
    """Steps that run for every item of a list."""

    items: Json = Field(description="A list, a placeholder such as `((hosts))`, or a path such as `.hosts`.")
    as_: DataName = Field(
        "item", alias="as", description="What the item is called; its number is `<as>_index`."
    )
    steps: tuple["Step", ...] = Field(min_length=1, description="Steps of an item.")
    max_parallel: int = Field(16, ge=1, le=1000, description="How many items run at a time; 1 is one by one.")
    collect: dict[DataName, str] = Field(
        default_factory=dict, description="Lists to make, by name, each of one output of every item."
    )


class Recur(Model):
    """Steps that run at once, and again every interval, never overlapping, until a condition holds."""

    every: DurationTemplate = Field(description="The interval, from start to start.")
    until: ConditionModel | None = Field(None, description="What is tested after each round.")
    steps: tuple["Step", ...] = Field(min_length=1, description="Steps of a round.")


class Schedule(Model):
    """Steps that start later, beside the main path."""

    after: DurationTemplate = Field(description="How much later.")
    steps: tuple["Step", ...] = Field(min_length=1, description="The steps.")


class Step(Model):
    """A step: something that runs (`type` and `config`), or one construct."""

    name: str | None = Field(None, min_length=1, description="Its name, unique in the workflow.")
    type: str | None = Field(
        None, description="What it is: shell (without a word), deno, kubernetes, workflow."
    )
    description: str | None = Field(None, description="For readers.")
    config: Annotated[dict[str, Json], BeforeValidator(_config)] | None = Field(
        None, description="What it runs, and how; by type."
    )
    inputs: Items | None = Field(None, description="Names it reads, for readers.")
    outputs: Items | None = Field(None, description="Names it puts out.")
    isolation: Literal["runner", "pod"] | None = Field(
        None, description="Run in the runner, or in its own pod."
    )
    when: ConditionModel | None = Field(None, description="It is skipped unless this holds.")
    error_behavior: ErrorBehavior | None = Field(None, description="What happens when it fails.")
    timeout: DurationTemplate | None = Field(
        None, description="How long one attempt, or one round, may take."
    )
    on_success: "Step | None" = Field(None, description="Runs after it completed.")
    on_failure: "Step | None" = Field(None, description="Runs once, after its last attempt failed.")
    ensure: "Step | None" = Field(None, description="Runs last, however it ended.")
    compensate: "Step | None" = Field(None, description="Undoes it.")
    fail_fast: bool | None = Field(
        None, description="Whether a failure cancels what runs beside it; it does."
    )
    compensate_on_cancel: bool | None = Field(
        None, description="Whether a cancel undoes a saga; it does not."
    )
    parallel: "tuple[Step, ...] | None" = Field(None, description="Steps that run at once.")
    sequence: "tuple[Step, ...] | None" = Field(None, description="Steps one after another.")
    saga: "tuple[Step, ...] | None" = Field(None, description="Steps that are undone if one of them fails.")
    if_: If | None = Field(None, alias="if", description="Steps for when a condition holds.")
    switch: Switch | None = Field(None, description="Steps by a value.")
    while_: While | None = Field(None, alias="while", description="Steps while a condition holds.")
    for_each: ForEach | None = Field(None, description="Steps for every item of a list.")
    wait_for: constructs.WaitFor | None = Field(None, description="Wait for an event.")
    delay: DurationTemplate | None = Field(None, description="Wait for a while.")
    until: str | None = Field(None, description="Wait until a time (RFC 3339).")
    activity: constructs.Activity | None = Field(None, description="Work for somebody outside.")
    poll: dict[str, Json] | None = Field(None, description="Ask a URL until it answers as wanted.")
    recur: Recur | None = Field(None, description="Steps again and again.")
    schedule: Schedule | None = Field(None, description="Steps that start later.")
    end: constructs.End | None = Field(None, description="End the instance here.")

    def given(self) -> list[str]:
        """Return the construct keys that are there; one, or none for a step that runs something."""
        there = self.model_fields_set
        if there.isdisjoint(_FIELDS.values()):
            return []
        return [key for key, name in _FIELDS.items() if name in there and getattr(self, name) is not None]

    def content(self, key: str) -> Any:
        """Return what stands under a construct key."""
        return getattr(self, _FIELDS[key])

    @property
    def kind(self) -> str:
        """What it is, in the word that readers see."""
        given = self.given()
        return given[0] if given else self.type or "shell"

    @property
    def output_names(self) -> tuple[str, ...] | None:
        """The names it says it puts out; None if it says nothing."""
        return None if self.outputs is None else tuple(item.name for item in self.outputs)

    def groups(self) -> Iterator[tuple[Where, tuple["Step", ...]]]:
        """Yield the lists of steps in it, in the order of the file, and where they stand."""
        for key in self.given():
            match self.content(key):
                case If(then=then, else_=otherwise):
                    yield (key, "then"), then
                    if otherwise is not None:
                        yield (key, "else"), otherwise
                case Switch() as switch:
                    yield from switch.groups(key)
                case While(steps=steps) | ForEach(steps=steps) | Recur(steps=steps) | Schedule(steps=steps):
                    yield (key, "steps"), steps
                case tuple() as steps:
                    yield (key,), steps

    def hooks(self) -> Iterator[tuple[str, "Step"]]:
        """Yield its hooks and its compensation by role."""
        for role in ROLES:
            if (hook := getattr(self, role)) is not None:
                yield role, hook
