"""A workflow of no-op steps in DBOS; prints its figures as JSON.

usage: python dbos_steps.py DATABASE-URL INSTANCES STEPS SAMPLES
"""

import json
import logging
import sys
import time
from itertools import pairwise

from dbos import DBOS

logging.disable(logging.INFO)
url, instances, steps, samples = sys.argv[1], *map(int, sys.argv[2:])
DBOS(
    config={
        "name": "bench",
        "system_database_url": url,
        "run_admin_server": False,
        "log_level": "ERROR",
    }
)
times: list[float] = []


@DBOS.step()
def step(number: int) -> int:
    """Do nothing, durably."""
    times.append(time.perf_counter())
    return number + 1


@DBOS.workflow()
def workflow(count: int) -> int:
    """Take so many steps."""
    number = 0
    for _ in range(count):
        number = step(number)
    return number


DBOS.launch()
workflow(steps)
each = []
for _ in range(max(1, samples // steps)):
    times.clear()
    workflow(steps)
    each += [(after - before) * 1000 for before, after in pairwise(times)]
start = time.perf_counter()
handles = [DBOS.start_workflow(workflow, steps) for _ in range(instances)]
for handle in handles:
    handle.get_result()
took = time.perf_counter() - start
DBOS.destroy()
print(json.dumps({"each": each, "per_second": instances * steps / took}))
