"""The archive of logs: what the steps of an instance wrote, in ConfigMaps that go with it."""

from wfe.providers.customresource.logs.archive import LogArchive

__all__ = ["LogArchive"]
