"""docker-compose.yml and the servers of the test bed are the same for whoever connects to them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def urls(**environment: str) -> dict[str, str]:
    """Return what `hack/testbed servers env` prints, by the name of the server."""
    said = subprocess.run(
        [ROOT / "hack/testbed", "servers", "env"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {name.lower(): url for name, url in re.findall(r"export WFE_TEST_(\w+)=(\S+)", said)}


def published(service: dict[str, Any], **environment: str) -> str:
    """Return the address on the machine, its variables replaced as Compose does."""
    (port,) = service["ports"]
    mapped = re.sub(r"\$\{(\w+):-(\w+)\}", lambda found: environment.get(found[1], found[2]), port)
    return str(mapped.rpartition(":")[0])


@pytest.mark.parametrize("environment", [{}, {f"WFE_{name.upper()}_PORT": "7001" for name in SERVICES}])
def test_both_listen_at_the_same_addresses(environment: dict[str, str]) -> None:
    expected = {name: re.sub(r"^\w+://(.*@)?|/.*$", "", url) for name, url in urls(**environment).items()}
    assert {name: published(service, **environment) for name, service in SERVICES.items()} == expected


def test_both_have_the_same_user_and_database() -> None:
    told = SERVICES["postgres"]["environment"]
    account = f"{told['POSTGRES_USER']}:{told['POSTGRES_PASSWORD']}"
    assert urls()["postgres"] == f"postgres://{account}@127.0.0.1:5433/{told['POSTGRES_DB']}"


def test_no_password_is_asked_where_the_url_has_none() -> None:
    assert SERVICES["opensearch"]["environment"]["DISABLE_SECURITY_PLUGIN"] == "true"
    assert urls()["opensearch"].startswith("http://")
    assert "requirepass" not in SERVICES["valkey"]["command"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_what_up_and_wait_and_down_need(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= {"image", "environment", "command", "ports", "volumes", "healthcheck"}
    assert re.fullmatch(r"[a-z]+(/[a-z]+)?:\d+", service["image"])
    assert set(service["healthcheck"]) == {"test", "interval", "timeout", "retries"}
    assert service["healthcheck"]["test"][0] == "CMD"
    (volume,) = service["volumes"]
    assert volume.startswith(f"{name}:/")
    assert name in COMPOSE["volumes"]
    assert all(isinstance(value, str) for value in service.get("environment", {}).values())
