"""Every scenario with a crash at every call, and with mixtures of faults. `hack/simulate` plays more seeds."""

from collections import Counter

import pytest

from tests.simulation.scenarios import SCENARIOS
from wfe.testing.simulation import Scenario, exhaustive, random_run, undisturbed

SEEDS = 20
EACH = [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS]


@pytest.mark.parametrize("scenario", EACH)
def test_a_crash_at_any_call_changes_nothing(scenario: Scenario) -> None:
    assert exhaustive(scenario) > 10


@pytest.mark.parametrize("scenario", EACH)
def test_the_loss_of_host_and_executor_at_any_call_repeats_no_attempt(scenario: Scenario) -> None:
    assert exhaustive(scenario, loses=True, every=2) > 5


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_mixture_of_faults_changes_nothing(seed: int) -> None:
    hits: Counter[str] = Counter()
    for scenario in SCENARIOS:
        hits.update(random_run(scenario, seed).hits)
    assert hits.total() >= len(SCENARIOS)


def test_a_seed_replays() -> None:
    first, second = (random_run(SCENARIOS[2], 7) for _ in range(2))
    assert first.log == second.log


def test_time_is_virtual() -> None:
    outcome = undisturbed(next(scenario for scenario in SCENARIOS if scenario.name == "delay"))
    assert outcome.seconds > 20
