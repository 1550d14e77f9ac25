"""Runs processes on this machine, under a supervisor that outlives the engine."""

from wfe.executors.local.executor import LocalExecutor
from wfe.supervisor.link import SupervisorAway

__all__ = ["LocalExecutor", "SupervisorAway"]
