"""`python -m wfe.hosts.kubernetes [run|webhook|cleanup]`"""

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Final

from wfe.errors import WfeError
from wfe.hosts.kubernetes.logs import configure
from wfe.hosts.kubernetes.settings import Settings, read_settings

VERBS: Final[Mapping[str, str]] = {
    "run": "wfe.hosts.kubernetes.process",
    "webhook": "wfe.hosts.kubernetes.webhook.process",
    "cleanup": "wfe.hosts.kubernetes.cleanup",
}
BAD_USAGE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for until the process is told to end."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["run"]
    if len(given) != 1 or given[0] not in VERBS:
        print(f"usage: python -m wfe.hosts.kubernetes [{'|'.join(VERBS)}]", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        settings = read_settings()
        configure(settings.log)
        run: Callable[[Settings], Awaitable[None]] = import_module(VERBS[given[0]]).run
        # A full collection looks through all that was imported, and stops everything for 30 ms meanwhile.
        gc.collect()
        gc.freeze()
        asyncio.run(_awaited(run, settings))
    except WfeError as error:
        print(f"wfe: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def _awaited(run: Callable[[Settings], Awaitable[None]], settings: Settings) -> None:
    await run(settings)


if __name__ == "__main__":
    sys.exit(main())
