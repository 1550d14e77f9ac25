"""A cluster for each test that needs one with containers."""

from tests.unit.runner.conftest import cluster

__all__ = ["cluster"]
