"""What each value of the chart does to the objects that are installed."""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from tests.unit.chart.helm import (
    CHART,
    GOLDEN,
    NAMESPACE,
    ROOT,
    Object,
    Refused,
    Rendered,
    golden_text,
    helm,
    render,
)
from wfe.hosts.kubernetes.settings import Settings, read_settings

OPERATOR = f"system:serviceaccount:{NAMESPACE}:wfe-operator"
Values = dict[str, Any]


def _pods(rendered: Rendered) -> Iterator[tuple[str, Object]]:
    for item in chain(rendered.all("Deployment"), rendered.all("Job")):
        yield item["metadata"]["name"], item["spec"]["template"]["spec"]


def _pod(rendered: Rendered, name: str) -> Object:
    return dict(_pods(rendered))[name]


def _container(rendered: Rendered, name: str) -> Object:
    containers: list[Object] = _pod(rendered, name)["containers"]
    assert len(containers) == 1
    return containers[0]


def _config(rendered: Rendered, directory: Path, release: str = "wfe") -> Settings:
    """Return the settings as the operator reads them from its ConfigMap."""
    path = directory / "config.yaml"
    path.write_text(rendered.one("ConfigMap", release)["data"]["config.yaml"], "utf-8")
    return read_settings({"WFE_CONFIG_FILE": str(path)})


def test_helm_finds_nothing_to_complain_about() -> None:
    assert "0 chart(s) failed" in helm("lint", str(CHART), "--strict")


def test_the_operator_understands_its_default_settings(tmp_path: Path) -> None:
    settings = _config(render(), tmp_path)
    assert settings.namespaces == ()
    assert settings.home == NAMESPACE
    assert settings.runner.image == "wfe-runner:0.1.0"
    assert settings.webhook.service == "wfe-webhook"


def test_the_operator_understands_every_setting(tmp_path: Path) -> None:
    values: Values = {
        "namespaces": ["ci"],
        "image": {"registry": "registry.example.com/team"},
        "operator": {"logLevel": "debug", "logFormat": "console"},
        "instances": {"ttlAfterFinished": "12h", "eventLife": 3600},
        "runner": {
            "image": {"tag": "edge", "pullPolicy": "Always"},
            "imagePullSecrets": ["registry"],
            "resources": {"requests": {"cpu": 1, "memory": "64Mi"}, "limits": {"memory": "2Gi"}},
            "pool": {"size": 3},
            "storageClassName": "fast",
            "rootNamespaces": ["ci"],
            "nodeSelector": {"pool": "steps"},
            "tolerations": [{"key": "steps", "operator": "Exists"}],
            "priorityClassName": "low",
        },
    }
    settings = _config(render(values), tmp_path)
    runner = settings.runner
    assert settings.namespaces == ("ci",)
    assert (settings.log.level, settings.log.format) == ("debug", "console")
    assert (settings.defaults.ttl_after_finished, settings.defaults.event_life) == ("12h", 3600)
    assert (runner.image, runner.image_pull_policy) == ("registry.example.com/team/wfe-runner:edge", "Always")
    assert runner.image_pull_secrets == ("registry",)
    assert runner.resources.limits["memory"] == "2Gi"
    assert (runner.pool.size, runner.pool.namespaces) == (3, ("ci",))
    assert (runner.storage_class_name, runner.root_namespaces, runner.priority_class_name) == (
        "fast",
        ("ci",),
        "low",
    )
    assert runner.node_selector == {"pool": "steps"}
    assert runner.tolerations == ({"key": "steps", "operator": "Exists"},)


def test_other_names_lead_to_settings_that_agree_with_them(tmp_path: Path) -> None:
    rendered = render(release="nightly")
    settings = _config(rendered, tmp_path, "nightly-wfe")
    assert settings.webhook.service in rendered.names("Service")
    assert settings.webhook.configuration in rendered.names("ValidatingWebhookConfiguration")
    assert settings.webhook.secret in rendered.names("Secret")


EVERYTHING: Values = {
    "namespaces": ["ci", "cd"],
    "networkPolicy": {"operator": True, "steps": {"enabled": True}},
    "metrics": {"serviceMonitor": {"enabled": True}, "dashboard": {"enabled": True}},
    "flowSchema": {"enabled": True},
    "imagePullSecrets": ["registry"],
    "priorityClassName": "high",
    "tolerations": [{"operator": "Exists"}],
    "podLabels": {"team": "flow"},
    "podAnnotations": {"note": "x"},
    "commonLabels": {"tier": "platform"},
    "serviceAccount": {"annotations": {"note": "x"}},
    "affinity": {"nodeAffinity": {}},
}


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["default", "everything"])
def test_every_pod_is_restricted_by_construction(values: Values) -> None:
    pods = list(_pods(render(values)))
    assert len(pods) == 3
    for name, pod in pods:
        security = pod["securityContext"]
        assert security["runAsNonRoot"], name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all({"configMap", "emptyDir"} & set(volume) for volume in pod["volumes"])
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["default", "everything"])
def test_every_object_says_whose_it_is(values: Values) -> None:
    for item in render(values).objects:
        if item["kind"] != "CustomResourceDefinition":
            labels = item["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == "wfe", item["metadata"]["name"]
            assert labels.get("tier") == values.get("commonLabels", {}).get("tier")


def test_selectors_find_the_pods_they_are_for() -> None:
    rendered = render()
    templates = {item["metadata"]["name"]: item["spec"]["template"] for item in rendered.all("Deployment")}
    for service, deployment in (("wfe-webhook", "wfe-webhook"), ("wfe-metrics", "wfe-operator")):
        selector = rendered.one("Service", service)["spec"]["selector"].items()
        found = [
            name for name, template in templates.items() if selector <= template["metadata"]["labels"].items()
        ]
        assert found == [deployment]


def _has(kind: str, name: str) -> Callable[[Rendered], bool]:
    return lambda rendered: name in rendered.names(kind)


def _lacks(kind: str, name: str | None = None) -> Callable[[Rendered], bool]:
    return lambda rendered: name not in rendered.names(kind) if name else kind not in rendered.kinds()


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        pytest.param({}, _has("Deployment", "wfe-operator"), id="an-operator"),
        pytest.param({}, _has("Deployment", "wfe-webhook"), id="a-webhook-by-default"),
        pytest.param({}, _has("ValidatingAdmissionPolicyBinding", "wfe-exec"), id="a-fence-by-default"),
        pytest.param({}, _has("PodDisruptionBudget", "wfe-operator"), id="a-budget-for-two"),
        pytest.param(
            {"operator": {"replicas": 1}},
            _lacks("PodDisruptionBudget", "wfe-operator"),
            id="no-budget-for-one",
        ),
        pytest.param(
            {"operator": {"podDisruptionBudget": {"enabled": False}}},
            _lacks("PodDisruptionBudget", "wfe-operator"),
            id="no-budget-on-request",
        ),
        pytest.param({"crds": {"install": False}}, _lacks("CustomResourceDefinition"), id="no-definitions"),
        pytest.param(
            {"webhook": {"enabled": False}},
            _lacks("ValidatingWebhookConfiguration"),
            id="no-webhook-no-config",
        ),
        pytest.param({"webhook": {"enabled": False}}, _lacks("Secret"), id="no-webhook-no-secret"),
        pytest.param(
            {"webhook": {"enabled": False}},
            _lacks("ServiceAccount", "wfe-webhook"),
            id="no-webhook-no-account",
        ),
        pytest.param(
            {"admissionPolicy": {"enabled": False}}, _lacks("ValidatingAdmissionPolicy"), id="no-fence"
        ),
        pytest.param(
            {"rbac": {"aggregate": False}}, _lacks("ClusterRole", "wfe-edit"), id="no-roles-for-people"
        ),
        pytest.param({"rbac": {"create": False}}, _lacks("ClusterRole", "wfe-operator"), id="no-roles"),
        pytest.param(
            {"serviceAccount": {"create": False}}, _lacks("ServiceAccount", "wfe-operator"), id="no-accounts"
        ),
        pytest.param({"cleanup": {"enabled": False}}, _lacks("Job"), id="no-hook"),
        pytest.param({}, _lacks("NetworkPolicy"), id="no-network-policies-by-default"),
        pytest.param(
            {"networkPolicy": {"operator": True}}, _has("NetworkPolicy", "wfe"), id="operators-network"
        ),
        pytest.param({}, _lacks("ServiceMonitor"), id="no-monitor-by-default"),
        pytest.param(
            {"metrics": {"serviceMonitor": {"enabled": True}}}, _has("ServiceMonitor", "wfe"), id="a-monitor"
        ),
        pytest.param(
            {"metrics": {"dashboard": {"enabled": True}}},
            _has("ConfigMap", "wfe-dashboard"),
            id="a-dashboard",
        ),
        pytest.param({"flowSchema": {"enabled": True}}, _has("FlowSchema", "wfe"), id="a-flow-schema"),
        pytest.param({"nameOverride": "flow"}, _has("Deployment", "wfe-flow-operator"), id="another-name"),
        pytest.param({"fullnameOverride": "flow"}, _has("Deployment", "flow-operator"), id="a-whole-name"),
    ],
)
def test_a_value_decides_what_there_is(values: Values, holds: Callable[[Rendered], bool]) -> None:
    assert holds(render(values))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param({}, "wfe-operator:0.1.0", id="as-the-node-knows-it"),
        pytest.param({"tag": "edge"}, "wfe-operator:edge", id="tag"),
        pytest.param({"registry": "example.com/x"}, "example.com/x/wfe-operator:0.1.0", id="registry"),
        pytest.param(
            {"digest": f"sha256:{'a' * 64}", "tag": "edge"},
            f"wfe-operator@sha256:{'a' * 64}",
            id="a-digest-wins",
        ),
    ],
)
def test_every_pod_of_the_chart_has_the_image(image: Values, expected: str) -> None:
    rendered = render({"image": image})
    images = {container["image"] for _, pod in _pods(rendered) for container in pod["containers"]}
    assert images == {expected}


def test_processes_are_started_by_their_verbs() -> None:
    rendered = render()
    verbs = {name: _container(rendered, name)["args"] for name, _ in _pods(rendered)}
    assert verbs == {"wfe-operator": ["run"], "wfe-webhook": ["webhook"], "wfe-cleanup": ["cleanup"]}
    for name, _ in _pods(rendered):
        environment = {item["name"]: item.get("value") for item in _container(rendered, name)["env"]}
        assert environment["WFE_CONFIG_FILE"] == "/etc/wfe/config.yaml"
        assert {"POD_NAME", "POD_NAMESPACE"} <= set(environment)


def test_values_for_pods_arrive_in_the_pods() -> None:
    rendered = render({**EVERYTHING, "operator": {"replicas": 3, "extraEnv": [{"name": "A", "value": "b"}]}})
    pod = _pod(rendered, "wfe-operator")
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["priorityClassName"] == "high"
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert {"name": "A", "value": "b"} in pod["containers"][0]["env"]
    deployment = rendered.one("Deployment", "wfe-operator")["spec"]
    assert deployment["replicas"] == 3
    assert deployment["template"]["metadata"]["labels"]["team"] == "flow"
    assert deployment["template"]["metadata"]["annotations"]["note"] == "x"


def test_other_settings_start_new_pods() -> None:
    def checksum(values: Values) -> str:
        template = render(values).one("Deployment", "wfe-operator")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) != checksum({"instances": {"ttlAfterFinished": "1h"}})
    assert checksum({}) == checksum({"operator": {"replicas": 5}})


def test_listed_namespaces_get_roles_and_the_cluster_none() -> None:
    rendered = render({"namespaces": ["ci", "cd"]})
    assert "wfe-operator" not in rendered.names("ClusterRole") | rendered.names("ClusterRoleBinding")
    for kind in ("Role", "RoleBinding"):
        places = [
            item["metadata"]["namespace"]
            for item in rendered.all(kind)
            if item["metadata"]["name"] == "wfe-operator"
        ]
        assert places == ["ci", "cd"]
    hook = rendered.one("ValidatingWebhookConfiguration", "wfe")["webhooks"][0]
    assert hook["namespaceSelector"]["matchExpressions"][0]["values"] == ["ci", "cd"]


def test_the_rights_are_the_same_in_the_cluster_and_in_a_namespace() -> None:
    wide = render().one("ClusterRole", "wfe-operator")["rules"]
    narrow = render({"namespaces": ["ci"]}).one("Role", "wfe-operator")["rules"]
    assert wide == narrow


CLUSTER_WIDE = {
    "crds": {"install": False},
    "webhook": {"enabled": False},
    "admissionPolicy": {"enabled": False},
    "rbac": {"aggregate": False, "nodes": False},
}


def test_somebody_without_rights_in_the_cluster_can_install_it() -> None:
    rendered = render({**CLUSTER_WIDE, "namespaces": [NAMESPACE]})
    assert {item["metadata"].get("namespace") for item in rendered.objects} == {NAMESPACE}


def _rules_of(rendered: Rendered, account: str) -> list[Object]:
    """Return every rule that is bound to an account."""
    rules: list[Object] = []
    for binding in (*rendered.all("ClusterRoleBinding"), *rendered.all("RoleBinding")):
        if any(subject["name"] == account for subject in binding["subjects"]):
            kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
            rules += next(item["rules"] for item in rendered.all(kind) if item["metadata"]["name"] == name)
    return rules


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["cluster", "namespaces"])
def test_the_operator_may_not_read_secrets_nor_change_rights(values: Values) -> None:
    rules = _rules_of(render(values), "wfe-operator")
    assert rules
    for rule in rules:
        assert not {"secrets", "*", "serviceaccounts", "pods/ephemeralcontainers"} & set(rule["resources"])
        assert "*" not in rule["verbs"] + rule["apiGroups"]
        assert "rbac.authorization.k8s.io" not in rule["apiGroups"]
        assert rule["verbs"] == ["get"] or "nodes" not in rule["resources"]
        assert not {"impersonate", "escalate", "bind"} & set(rule["verbs"])


def test_the_webhook_sees_one_secret_and_its_own_configuration() -> None:
    for rule in _rules_of(render(), "wfe-webhook"):
        if {"secrets", "validatingwebhookconfigurations"} & set(rule["resources"]):
            assert len(rule["resourceNames"]) == 1
            assert not {"list", "watch", "create", "delete"} & set(rule["verbs"])


def test_the_fence_knows_the_account_that_the_operator_has() -> None:
    rendered = render({"serviceAccount": {"name": "flow"}})
    account = _pod(rendered, "wfe-operator")["serviceAccountName"]
    assert account == "flow"
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    for policy in rendered.all("ValidatingAdmissionPolicy"):
        conditions = " ".join(item["expression"] for item in policy["spec"]["matchConditions"])
        assert f"'{user}'" in conditions
    hook = rendered.one("ValidatingWebhookConfiguration", "wfe")["webhooks"][0]
    assert f"'{user}'" in hook["matchConditions"][0]["expression"]


def test_every_policy_is_bound_and_denies() -> None:
    rendered = render()
    bound = {item["spec"]["policyName"] for item in rendered.all("ValidatingAdmissionPolicyBinding")}
    assert (
        bound
        == rendered.names("ValidatingAdmissionPolicy")
        == {"wfe-exec", "wfe-names", "wfe-pods", "wfe-status", "wfe-writes"}
    )
    for item in rendered.all("ValidatingAdmissionPolicyBinding"):
        assert item["spec"]["validationActions"] == ["Deny"]
    for item in rendered.all("ValidatingAdmissionPolicy"):
        assert item["spec"]["failurePolicy"] == "Fail"


def test_the_webhook_is_never_asked_about_a_status() -> None:
    hook = render().one("ValidatingWebhookConfiguration", "wfe")["webhooks"][0]
    assert not [name for rule in hook["rules"] for name in rule["resources"] if "/" in name or name == "*"]
    assert "caBundle" not in hook["clientConfig"]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        pytest.param({}, [NAMESPACE], id="the-releases-own"),
        pytest.param({"namespaces": ["ci", "cd"]}, ["ci", "cd"], id="those-that-are-worked-in"),
        pytest.param({"networkPolicy": {"steps": {"namespaces": ["x"]}}}, ["x"], id="those-that-are-named"),
    ],
)
def test_pods_of_steps_are_cut_off(values: Values, places: list[str]) -> None:
    steps = {"enabled": True, **values.get("networkPolicy", {}).get("steps", {})}
    rendered = render({**values, "networkPolicy": {"steps": steps}})
    policies = [item for item in rendered.all("NetworkPolicy") if item["metadata"]["name"] == "wfe-steps"]
    assert [item["metadata"]["namespace"] for item in policies] == places
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert (policy["spec"]["ingress"], policy["spec"]["egress"]) == ([], [])


def test_what_steps_may_reach_is_listed() -> None:
    egress = [{"ports": [{"port": 53, "protocol": "UDP"}]}]
    rendered = render({"networkPolicy": {"steps": {"enabled": True, "egress": egress}}})
    assert rendered.one("NetworkPolicy", "wfe-steps")["spec"]["egress"] == egress


def test_definitions_stay_when_the_chart_goes() -> None:
    definitions = render().all("CustomResourceDefinition")
    made = {path.stem for path in (ROOT / "crds").glob("*.yaml")}
    assert len(definitions) == len(made)
    for item in definitions:
        assert item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_the_hook_runs_before_the_release_is_deleted_and_leaves_nothing() -> None:
    hooks = [item for item in render().objects if "helm.sh/hook" in item["metadata"].get("annotations", {})]
    assert {item["metadata"]["name"] for item in hooks} == {"wfe-cleanup", "wfe-cleanup-pods"}
    for item in hooks:
        annotations = item["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-delete"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    weights = {item["kind"]: int(item["metadata"]["annotations"]["helm.sh/hook-weight"]) for item in hooks}
    assert all(weight < weights["Job"] for kind, weight in weights.items() if kind != "Job")


def test_the_notes_say_what_to_type_next() -> None:
    notes = (CHART / "templates" / "NOTES.txt").read_text("utf-8")
    text = notes.partition("<<'YAML'\n")[2].partition("  YAML\n")[0]
    kinds = [item["kind"] for item in yaml.safe_load_all(dedent(text))]
    assert kinds == ["Workflow", "WorkflowInstance"]
    assert "kubectl get wfi -w" in notes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(
            {"operator": {"replica": 3}}, "at '/operator': additional properties 'replica'", id="typo"
        ),
        pytest.param({"replicas": 3}, "additional properties 'replicas' not allowed", id="unknown"),
        pytest.param({"operator": {"replicas": "two"}}, "at '/operator/replicas': got string", id="type"),
        pytest.param({"namespaces": ["Bad_Name"]}, "at '/namespaces/0': 'Bad_Name'", id="namespace"),
        pytest.param({"namespaces": ["a", "a"]}, "at '/namespaces'", id="twice"),
        pytest.param({"namespaces": "ci"}, "at '/namespaces': got string, want array", id="no-list"),
        pytest.param({"webhook": {"failurePolicy": "Maybe"}}, "'Ignore', 'Fail'", id="policy"),
        pytest.param(
            {"instances": {"ttlAfterFinished": "soon"}}, "at '/instances/ttlAfterFinished'", id="duration"
        ),
        pytest.param({"runner": {"pool": {"size": -1}}}, "at '/runner/pool/size'", id="negative"),
        pytest.param({"image": {"digest": "abc"}}, "at '/image/digest'", id="digest"),
        pytest.param({"image": {"repository": "x:latest"}}, "at '/image/repository'", id="tag-in-name"),
        pytest.param(
            {"operator": {"resources": {"limit": {}}}}, "at '/operator/resources': additional", id="resources"
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(values: Values, said: str) -> None:
    with pytest.raises(Refused) as refused:
        render(values)
    assert said in str(refused.value)


def test_the_names_of_pods_are_its_own_only_where_the_operator_works() -> None:
    def where(**values: Any) -> Any:
        policy = render(values).one("ValidatingAdmissionPolicy", "wfe-names")
        return policy["spec"]["matchConstraints"].get("namespaceSelector")

    key = "kubernetes.io/metadata.name"
    assert where() is None
    assert where(namespaces=["ci", "cd"]) == {
        "matchExpressions": [{"key": key, "operator": "In", "values": ["ci", "cd"]}]
    }


def test_an_old_kubernetes_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        helm("template", "wfe", str(CHART), "--kube-version", "1.31.0")
    assert "requires kubeVersion: >=1.32" in str(refused.value)


def test_the_default_is_the_one_that_was_looked_at() -> None:
    """After looking at the difference, `python tests/unit/chart/helm.py` writes it anew."""
    assert GOLDEN.read_text("utf-8") == golden_text()


def test_no_expression_of_the_chart_is_left_in_what_it_renders() -> None:
    for item in render(EVERYTHING).objects:
        # The texts of definitions and the legends of the dashboard have such signs of their own.
        if item["kind"] != "CustomResourceDefinition" and item["metadata"]["name"] != "wfe-dashboard":
            assert not re.search(r"<no value>|map\[|\{\{", yaml.safe_dump(item)), item["metadata"]["name"]
