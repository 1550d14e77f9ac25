"""Runs processes on this machine, under a supervisor that outlives the engine."""

from wfe.executors.local.executor import LocalExecutor

__all__ = ["LocalExecutor"]
