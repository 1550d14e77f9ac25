"""How values name servers outside the cluster's API, and how the operator's pod finds them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.chart.helm import Object, Refused, Rendered, notes, render
from wfe.hosts.kubernetes.servers import VARIABLES, read_servers
from wfe.hosts.kubernetes.settings import read_settings

Values = dict[str, Any]
URLS = {
    "postgres": "postgres://wfe@db.example.com:5433/wfe",
    "opensearch": "https://search.example.com:9200?prefix=ci-",
    "valkey": "rediss://valkey.example.com:6380/0",
}


def _template(rendered: Rendered, name: str = "wfe-operator", kind: str = "Deployment") -> Object:
    pod: Object = rendered.one(kind, name)["spec"]["template"]["spec"]
    return pod


def _environment(pod: Object) -> dict[str, Object]:
    return {item["name"]: item for item in pod["containers"][0]["env"] if "POD" not in item["name"]}


def test_without_servers_the_operator_hears_of_none() -> None:
    pod = _template(render())
    assert not [name for name in _environment(pod) if name.endswith(("_URL", "_CA"))]
    assert {volume["name"] for volume in pod["volumes"]} == {"config", "tmp"}


@pytest.mark.parametrize("name", URLS)
def test_a_url_reaches_the_operator_as_it_is_written(name: str) -> None:
    found = _environment(_template(render({name: {"url": URLS[name]}})))
    said = {variable: item["value"] for variable, item in found.items() if item.get("value")}
    assert getattr(read_servers(said), name).get_secret_value() == URLS[name]


@pytest.mark.parametrize("name", URLS)
def test_a_url_with_a_password_stays_in_its_secret(name: str) -> None:
    rendered = render({name: {"existingSecret": {"name": "flow", "key": "address"}}})
    variable = _environment(_template(rendered))[VARIABLES[name].url]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "flow", "key": "address"}}


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    ("ca", "source"),
    [
        pytest.param(
            {"existingSecret": {"name": "root", "key": "pem"}},
            {"secret": {"secretName": "root"}},
            id="secret",
        ),
        pytest.param(
            {"configMap": {"name": "root", "key": "pem"}}, {"configMap": {"name": "root"}}, id="map"
        ),
    ],
)
def test_the_authority_is_a_file_that_the_operator_is_told_of(name: str, ca: Values, source: Values) -> None:
    pod = _template(render({name: {"url": URLS[name], "tls": {"ca": ca}}}))
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == f"{name}-ca"]
    [kind] = source
    assert volume[kind] == {**source[kind], "items": [{"key": "pem", "path": "ca.crt"}]}
    [mount] = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == volume["name"]]
    assert mount["readOnly"]
    found = _environment(pod)
    assert found[VARIABLES[name].ca]["value"] == f"{mount['mountPath']}/ca.crt"
    read_servers({variable: item["value"] for variable, item in found.items()})


def test_only_the_operator_is_told() -> None:
    everything = {
        name: {
            "existingSecret": {"name": "flow"},
            "tls": {"ca": {"configMap": {"name": "root"}}},
        }
        for name in URLS
    }
    rendered = render(everything)
    for pod in (_template(rendered, "wfe-webhook"), _template(rendered, "wfe-cleanup", "Job")):
        assert "wfe-servers" not in yaml.safe_dump(pod)
        assert "secretKeyRef" not in yaml.safe_dump(pod)


HIDDEN = "s3cr3t"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(
            {"postgres": {"url": f"postgres://u:{HIDDEN}@h/d"}},
            "put the whole URL into a Secret, and name that in postgres.existingSecret",
            id="a-password",
        ),
        pytest.param(
            {"valkey": {"url": f"redis://:{HIDDEN}@h"}}, "valkey.existingSecret", id="without-a-user"
        ),
        pytest.param(
            {"postgres": {"url": f"postgres://h/d?sslmode=require&password={HIDDEN}"}},
            "postgres.existingSecret",
            id="a-password-as-an-option",
        ),
        pytest.param(
            {"opensearch": {"url": f"https://u:a/{HIDDEN}#@h"}},
            "opensearch.existingSecret",
            id="odd-characters",
        ),
        pytest.param(
            {"opensearch": {"url": f"htps://{HIDDEN}"}},
            "write one like https://HOST:9200",
            id="a-wrong-scheme",
        ),
        pytest.param(
            {"valkey": {"url": "redis://h", "existingSecret": {"name": "s"}}},
            "valkey.url and valkey.existingSecret both say where",
            id="twice",
        ),
        pytest.param(
            {"valkey": {"tls": {"ca": {"configMap": {"name": "s"}}}}},
            "nobody says where the server is",
            id="trust-in-nobody",
        ),
        pytest.param(
            {
                "postgres": {
                    "url": "postgres://h/d",
                    "tls": {"ca": {"configMap": {"name": "s"}, "existingSecret": {"name": "s"}}},
                }
            },
            "both say whom to trust",
            id="trusted-twice",
        ),
        pytest.param({"postgres": {"uri": "x"}}, "additional properties 'uri' not allowed", id="a-typo"),
        pytest.param({"history": {"keep": "soon"}}, "at '/history/keep'", id="no-duration"),
    ],
)
def test_what_contradicts_itself_is_refused_without_showing_a_url(values: Values, said: str) -> None:
    with pytest.raises(Refused) as refused:
        render(values)
    assert said in str(refused.value)
    assert HIDDEN not in str(refused.value)


@pytest.mark.parametrize("url", ["http://h:9200/a:b", "http://user@h:9200", "http://h:9200?prefix=a"])
def test_a_url_without_a_password_is_taken(url: str) -> None:
    assert "Deployment" in render({"opensearch": {"url": url}}).kinds()


def test_how_long_copies_are_kept_reaches_the_settings(tmp_path: Path) -> None:
    def within(values: Values) -> tuple[timedelta | None, timedelta | None]:
        path = tmp_path / "config.yaml"
        path.write_text(render(values).one("ConfigMap", "wfe")["data"]["config.yaml"], "utf-8")
        settings = read_settings({"WFE_CONFIG_FILE": str(path)})
        return settings.history.within, settings.logs.within

    assert within({}) == (None, None)
    assert within({"history": {"keep": "365d"}, "logs": {"keep": 60}}) == (
        timedelta(days=365),
        timedelta(minutes=1),
    )


def test_the_network_is_opened_to_the_servers_that_are_named_for_the_operator_alone() -> None:
    closed = {"networkPolicy": {"operator": True, "serverPorts": {"postgres": 5433}}}
    assert "wfe-servers" not in render(closed).names("NetworkPolicy")
    servers = {name: {"existingSecret": {"name": "s"}} for name in ("postgres", "valkey")}
    policy = render({**closed, **servers}).one("NetworkPolicy", "wfe-servers")["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"
    assert policy["policyTypes"] == ["Egress"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [5433, 6379]


WITHOUT = {"postgres": "gone for good 7d after", "opensearch": "by its words", "valkey": "every two seconds"}


@pytest.mark.parametrize(
    "named", [(), *((name,) for name in URLS), tuple(URLS)], ids=lambda names: "-".join(names) or "none"
)
def test_the_notes_say_what_is_missing(tmp_path: Path, named: tuple[str, ...]) -> None:
    said = notes(tmp_path, {name: {"existingSecret": {"name": "s"}} for name in named})
    assert {name for name, words in WITHOUT.items() if words in said} == set(URLS) - set(named)
    assert ("It does without" in said) == (len(named) < len(URLS))
