"""A program that is killed in the middle and goes on: run it with `python examples/durable.py`.

The first process dies in the second step, as if its machine had. The second opens the same database and goes on: the
first step is not run again, the second one is, with the same key.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from wfe import StepContext, WorkflowBuilder, WorkflowHost


def pick(data: dict[str, Any]) -> dict[str, str]:
    print(f"picking {data['article']}", flush=True)
    return {"parcel": f"a parcel with {data['article']}"}


def post(data: dict[str, Any], context: StepContext) -> dict[str, bool]:
    # A real step would hand `context.key` to the service it calls, which then knows a repetition by it.
    print(f"posting {data['parcel']}, attempt {context.attempt}", flush=True)
    marker = Path("died")
    if not marker.exists():
        marker.touch()
        os._exit(9)
    return {"posted": True}


WORKFLOW = WorkflowBuilder().then(pick).then(post).build("parcel", outputs={"posted": "bool"})


async def work() -> None:
    """Start the parcel, or go on with it."""
    async with WorkflowHost("sqlite:parcels.db", recover=False) as host:
        host.register(WORKFLOW)
        known = {summary.name for summary in await host.list()}
        instance = (
            await host.resume("parcel-1")
            if "parcel-1" in known
            else await host.start("parcel", {"article": "tea"}, name="parcel-1")
        )
        ended = await host.wait(instance)
        print(f"{ended.name} is {ended.status}: {dict(ended.outputs or {})}")


def main() -> None:
    """Run the program twice in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(2):
            ended = subprocess.run([sys.executable, __file__, "work"], cwd=directory, check=False)
            print(f"the process ended with {ended.returncode}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        asyncio.run(work())
    else:
        main()
