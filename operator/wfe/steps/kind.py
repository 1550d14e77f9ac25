"""What a step type is: a configuration it accepts, and the task it means by it. It never runs anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wfe.errors import Permanent
from wfe.expr.errors import ExpressionError
from wfe.expr.names import Names
from wfe.expr.template import render
from wfe.model.ids import AttemptKey
from wfe.model.json import Data, Json
from wfe.model.task import Task
from wfe.steps.fields import WITH_PLACEHOLDERS, verbatim_fields

C = TypeVar("C", bound=BaseModel)


class ConfigInvalid(Permanent):
    """A configuration is wrong now that its values are known; the text says which key, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What an attempt can see.

    Attributes:
        data: all visible data, loop items included.
        locals: the visible loop items and their numbers.
        names: how placeholders are looked up.
        extra_env: what hooks see besides: WFE_ERROR, WFE_EXIT_CODE.
    """

    key: AttemptKey
    data: Data
    locals: Data = field(default_factory=dict)
    names: Names
    extra_env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepKind(Generic[C]):
    """One step type: `plan` turns a valid configuration into a task."""

    name: str
    config: type[C]
    plan: Callable[[C, StepContext], Task]

    def check(self, raw: Data) -> C:
        """Validate a configuration as it stands in the file; a placeholder is accepted wherever a value is.

        Raises:
            pydantic.ValidationError: with the place of every problem.
        """
        return self.config.model_validate(dict(raw), context=WITH_PLACEHOLDERS)

    def plan_raw(self, raw: Data, context: StepContext) -> Task:
        """Fill in the placeholders, validate what comes out, and plan.

        Raises:
            ConfigInvalid: a placeholder names nothing, or a value is wrong now that it is known.
        """
        rendered = self._rendered(raw, context.names)
        try:
            config = self.config.model_validate(rendered)
        except ValidationError as error:
            raise ConfigInvalid("; ".join(map(_sentence, error.errors(include_url=False)))) from error
        return self.plan(config, context)

    def _rendered(self, raw: Data, names: Names) -> dict[str, Json]:
        verbatim = verbatim_fields(self.config)
        rendered: dict[str, Json] = {}
        for key, value in raw.items():
            try:
                rendered[key] = value if key in verbatim else render(value, names)
            except ExpressionError as error:
                raise ConfigInvalid(f"config.{key}: {error}") from error
        return rendered


def _sentence(error: Mapping[str, object]) -> str:
    location = error["loc"]
    place = ".".join(map(str, location)) if isinstance(location, tuple) else ""
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"config.{place}: {said}" if place else said
