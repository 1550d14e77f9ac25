"""How much a container may use, and is sure to have."""

from typing import Any

from wfe.definition.services import Service
from wfe.model.task import ProcessTask
from wfe.pods.needs import NeedsRefused, StepContainer
from wfe.pods.quantities import NoAmount, bytes_of, cpu_text, memory_text, thousandths_of
from wfe.pods.settings import Amounts, PodSettings


def resources(limit: Amounts, settings: PodSettings) -> dict[str, Any]:
    """Return the requests and limits of a container."""
    request = settings.request
    return {
        "limits": {"memory": memory_text(limit.memory), "cpu": cpu_text(limit.cpu)},
        "requests": {
            "memory": memory_text(min(limit.memory, request.memory)),
            "cpu": cpu_text(min(limit.cpu, request.cpu)),
        },
    }


def container_limit(container: StepContainer, settings: PodSettings) -> Amounts:
    """Return what a container for many steps may use: as much as the largest of them, up to the maximum."""
    default, maximum = settings.default, settings.maximum
    memory = max(container.memory, default.memory if container.memory_unsaid else 0)
    cpu = max(container.cpu, default.cpu if container.cpu_unsaid else 0)
    return Amounts(memory=min(memory, maximum.memory), cpu=min(cpu, maximum.cpu))


def service_limit(name: str, service: Service, settings: PodSettings) -> Amounts:
    """Return what a service may use.

    Raises:
        NeedsRefused: it asks for what nobody may have.
    """
    return _within(service.memory, service.cpu, settings.service, settings, f"service `{name}`")


def task_limit(task: ProcessTask, settings: PodSettings) -> Amounts:
    """Return what an attempt with a pod of its own may use.

    Raises:
        NeedsRefused: it asks for what nobody may have.
    """
    return _within(task.memory, task.cpu, settings.default, settings, "the step")


def _within(
    memory: str | None, cpu: str | None, default: Amounts, settings: PodSettings, who: str
) -> Amounts:
    try:
        asked = Amounts(
            memory=default.memory if memory is None else bytes_of(memory),
            cpu=default.cpu if cpu is None else thousandths_of(cpu),
        )
    except NoAmount as error:
        raise NeedsRefused(f"{who} asks for an amount that is none: {error}") from error
    maximum = settings.maximum
    if asked.memory > maximum.memory:
        raise NeedsRefused(
            f"{who} asks for {memory_text(asked.memory)} of memory, and {memory_text(maximum.memory)} is the most here"
        )
    if asked.cpu > maximum.cpu:
        raise NeedsRefused(
            f"{who} asks for {cpu_text(asked.cpu)} processors, and {cpu_text(maximum.cpu)} is the most here"
        )
    return asked
