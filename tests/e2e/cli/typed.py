"""What a user types."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.cluster import WFE, Cluster
from tests.e2e.process import Operator


@dataclass(frozen=True)
class Typed:
    """`wfe` in one namespace of a cluster."""

    cluster: Cluster
    namespace: str
    directory: Path
    operator: Operator

    def __call__(self, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run `wfe VERB …` in the namespace; it must exit with that code."""
        done = self.cluster.wfe(*arguments, "-n", self.namespace)
        said = f"{done.stdout}{done.stderr}\nthe operator says\n{self.operator.last_words()}"
        assert done.returncode == code, f"exit code {done.returncode}\n{said}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Return the document that a verb prints."""
        return json.loads(self(*arguments, "-o", "json", code=code).stdout)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `wfe VERB …` and let it run."""
        return subprocess.Popen(
            [WFE, *arguments, "-n", self.namespace],
            env=self.cluster.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until_waits(self, name: str, step: str) -> None:
        """Wait until an instance waits at a step."""

        def waits() -> bool:
            steps = self.json("show", name)["steps"]
            return any(one["path"] == step and one["status"] == "Waiting" for one in steps)

        try:
            self.cluster.until(waits, what=f"{name} does not wait at {step}")
        except AssertionError as error:
            shown = f"{self('show', name).stdout}\nthe operator says\n{self.operator.last_words()}"
            raise AssertionError(f"{error}\n{shown}") from error

    def write(self, name: str, text: str) -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def as_user(self, name: str) -> "Typed":
        """Return what somebody types who has no rights at all."""
        self.cluster.kubectl("create", "serviceaccount", name, "-n", self.namespace)
        token = self.cluster.kubectl("create", "token", name, "-n", self.namespace).strip()
        config = json.loads(self.cluster.kubectl("config", "view", "--minify", "--flatten", "-o", "json"))
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
        path = self.directory / f"{name}.conf"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        environment = {**os.environ, "NO_COLOR": "1", "KUBECONFIG": str(path)}
        return Typed(Cluster(environment), self.namespace, self.directory, self.operator)
