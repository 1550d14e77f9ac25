"""Logs in the files that steps wrote, below a state directory."""

from wfe.providers.files.logs import FileLogs

__all__ = ["FileLogs"]
