"""Runs callables of this process."""

from wfe.executors.python.context import PythonCallable, PythonContext
from wfe.executors.python.executor import PythonExecutor

__all__ = ["PythonCallable", "PythonContext", "PythonExecutor"]
