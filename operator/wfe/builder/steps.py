"""Steps in Python: a function, plain or async, or a class with a `run`, called with what its parameters ask for.

A step asks for the data, the context, or both, by its parameters' order: `step()`, `step(data)`,
`step(data, context)`. What it returns, a dict or a model, is its outputs; so is what it changed in a data model.
It runs at least once: after a crash in the middle it runs again with the same `context.key`.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from wfe.model.json import Json

Step = Callable[..., Any]


class StepContext(Protocol):
    """What a Python step can ask about its attempt."""

    @property
    def instance(self) -> str:
        """The instance's id."""
        ...

    @property
    def step(self) -> str:
        """The path of the visit."""
        ...

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        ...

    @property
    def key(self) -> str:
        """An idempotency key: the same for every run of this attempt."""
        ...

    @property
    def data(self) -> Mapping[str, Json]:
        """All data the step can see, loop items included."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants the step to end."""
        ...


def callable_of(step: Step) -> Step:
    """Return the function of a step: itself, or the `run` of a fresh object of its class."""
    if inspect.isclass(step):
        return _of_class(step)
    run: Step | None = getattr(step, "run", None)
    return step if run is None else run


def _of_class(step: type[Any]) -> Step:
    if inspect.iscoroutinefunction(step.run):

        async def run_async(*arguments: Any) -> Any:
            return await step().run(*arguments)

        run_async.__signature__ = _without_self(step)  # type: ignore[attr-defined]  # inspect reads it
        return run_async

    def run(*arguments: Any) -> Any:
        return step().run(*arguments)

    run.__signature__ = _without_self(step)  # type: ignore[attr-defined]  # inspect reads it
    return run


def _without_self(step: type[Any]) -> inspect.Signature:
    signature = inspect.signature(step.run)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def adapt(step: Step, model: type[BaseModel] | None) -> Callable[[StepContext], Any]:
    """Return what the executor calls: one argument in, outputs as a dict out."""
    function = callable_of(step)
    count = min(2, len(inspect.signature(function).parameters))

    def arguments(context: StepContext) -> tuple[Any, tuple[Any, ...]]:
        data: Any = dict(context.data) if model is None else model.model_validate(dict(context.data))
        return data, (data, context)[:count]

    if inspect.iscoroutinefunction(function):

        async def run_async(context: StepContext) -> Mapping[str, Json]:
            data, given = arguments(context)
            before = _plain(data)
            returned: Awaitable[Any] = function(*given)
            return _outputs(await returned, before, data)

        return run_async

    def run(context: StepContext) -> Mapping[str, Json]:
        data, given = arguments(context)
        before = _plain(data)
        return _outputs(function(*given), before, data)

    return run


def _plain(data: Any) -> dict[str, Json]:
    return data.model_dump(mode="json") if isinstance(data, BaseModel) else {}


def _outputs(returned: Any, before: Mapping[str, Json], data: Any) -> dict[str, Json]:
    after = _plain(data)
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    if returned is None:
        return changed
    if isinstance(returned, BaseModel):
        return {**changed, **returned.model_dump(mode="json", exclude_unset=returned is not data)}
    if isinstance(returned, Mapping):
        return {**changed, **returned}
    raise TypeError(
        f"a step returned {type(returned).__name__}; return a dict of outputs, a model, or nothing"
    )
