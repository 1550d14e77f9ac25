"""Run a workflow file through the library, as `wfe run` does it.

WFE_CONFIG='{"workspace_dir": "/path/to/wfe", "coverage_threshold": 85}' python examples/run_pipeline.py workflows.yaml

WFE_CONFIG is a JSON object of inputs and variables; without it the pipeline works in the current directory. A second
argument names the workflow; without it the one runs that no other one calls.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from wfe import InstanceStatus, StepStatus, WorkflowHost, load_workflow, load_workflows


async def main(file: Path, workflow: str | None = None) -> int:
    """Run one workflow of the file and say how each of its steps ended."""
    config = json.loads(os.environ.get("WFE_CONFIG", "{}"))
    async with WorkflowHost("sqlite:.wfe/pipeline.db", env=[*os.environ], recover=False) as host:
        host.register(*load_workflows(file, config).values())
        run = await host.run(load_workflow(file, config, workflow=workflow))
        for step in await host.steps(run.id):
            if step.status is not StepStatus.PENDING:
                print(f"{step.status:10} {step.path}")
    print(f"{run.name} is {run.status}: {json.dumps(dict(run.outputs or {}))}")
    if run.failure:
        print(run.failure)
    return 0 if run.status is InstanceStatus.COMPLETE else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:3])))
