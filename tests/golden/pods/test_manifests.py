"""The manifests of pods are the golden ones, word for word: what changes in them is seen by whoever reviews it."""

import pytest

from tests.golden.pods.manifests import CASES, HERE, manifests, text_of
from tests.unit.pods.homes import SETTINGS
from wfe.pods.guard import check


@pytest.mark.parametrize("name", CASES)
def test_a_manifest_is_the_golden_one(name: str) -> None:
    assert text_of(name) == (HERE / f"{name}.yaml").read_text(), (
        "if that is meant: python -m tests.golden.pods.manifests"
    )


@pytest.mark.parametrize("name", CASES)
def test_the_guard_lets_golden_pods_pass(name: str) -> None:
    for manifest in manifests(name):
        if manifest["kind"] == "Pod":
            check(manifest, SETTINGS)


def test_there_is_no_golden_file_without_its_case() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} == {*CASES}
