"""Runs many processes in one pod of an instance tree, each in the container of its image."""

from wfe.executors.runner.executor import RunnerExecutor
from wfe.executors.runner.homes import Homes, RunnerSettings
from wfe.executors.runner.leftovers import Past
from wfe.executors.runner.shapes import RunnerPod

__all__ = ["Homes", "Past", "RunnerExecutor", "RunnerPod", "RunnerSettings"]
