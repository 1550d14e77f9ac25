"""The history of instances in Postgres: tables for questions, in a schema beside the store's, partitioned by month."""

from wfe.providers.postgres.history.mirror import PostgresMirror

__all__ = ["PostgresMirror"]
