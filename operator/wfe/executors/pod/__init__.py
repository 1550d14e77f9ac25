"""Runs an attempt in a pod of its own: for images without a shell, large steps, other nodes."""

from wfe.executors.pod.executor import Homes, PodExecutor

__all__ = ["Homes", "PodExecutor"]
