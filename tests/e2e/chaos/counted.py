"""Instances whose steps count themselves, and what came of them."""

from collections import Counter
from typing import Any

from tests.e2e.cluster import Cluster, shell, workflow

# A step notes that it ran, in the workspace; a second start of the same attempt would note it again.
NOTE = 'echo "$WFE_STEP $WFE_ATTEMPT" >>ran; echo "line of $WFE_STEP"; sleep 0.2'
TELL = 'echo "ran=$(sort ran | uniq -c | awk \'{print $1 " " $2}\' | paste -sd,)" >>"$WFE_OUTPUT"'


def counted(name: str, steps: int) -> dict[str, Any]:
    """Return a Workflow of so many steps, which tells in the end how often each ran."""
    noting = [shell(f"s{number}", NOTE) for number in range(steps)]
    return workflow(name, *noting, shell("tell", TELL), outputs={"ran": "string"})


def lines(log: str) -> list[str]:
    """Return what the steps wrote, without the names of the steps."""
    return [line.rpartition(" | ")[2] for line in log.splitlines()]


def ran(status: dict[str, Any]) -> Counter[str]:
    """Return how often each step ran, as the last step counted."""
    pairs = [pair.split(" ") for pair in status["outputs"]["ran"].strip('"').split(",")]
    return Counter({step: int(times) for times, step in pairs})


def until_it_writes(cluster: Cluster, namespace: str, text: str) -> None:
    """Wait until a step has written something, in any pod of a namespace: then it runs."""

    def writes() -> bool:
        pods = [pod["metadata"]["name"] for pod in cluster.items(namespace, "pods")]
        options = ("logs", "-n", namespace, "--all-containers")
        return any(text in cluster.kubectl(*options, pod, check=False) for pod in pods)

    cluster.until(writes, what=f"nobody writes {text} in {namespace}")
