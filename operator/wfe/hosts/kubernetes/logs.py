"""Logs of the process: one JSON object a line, ours and those of the libraries, without secrets."""

import logging
import sys
from typing import Any, Final

import structlog

from wfe.hosts.kubernetes.settings import Log

LONGEST: Final = 4000
# kopf tells of each event it handles, and aiohttp of each request; both are counted instead.
QUIET: Final = ("kopf.objects", "aiohttp.access", "asyncio")
# It tells of each request that fails, with a traceback; what sends copies says it once, in words.
SILENT: Final = ("opensearch",)


def configure(log: Log) -> None:
    """Send every log record to stderr in the chosen form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _shortened,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(log.level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _shortened(_logger: Any, _method: str, event: "structlog.types.EventDict") -> "structlog.types.EventDict":
    """Cut what is too long: a log is for people, and texts of users may be of any length."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST:
            event[key] = f"{value[:LONGEST]}… ({len(value)} characters)"
    return event
