"""Schedules of faults: a crash at every outward call of a scenario; a mixture drawn from a seed."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from wfe.testing.simulation.faults import Crash, NoFaults, RandomFaults, Side
from wfe.testing.simulation.host import Parts
from wfe.testing.simulation.oracles import Violation, require
from wfe.testing.simulation.play import Outcome, Play
from wfe.testing.simulation.scenario import Scenario

SIDES: Final[tuple[Side, ...]] = ("before", "after")
RECOVERY_CALLS: Final = 6


_played: dict[int, tuple[Scenario, Outcome]] = {}


def undisturbed(scenario: Scenario) -> Outcome:
    """Play without faults, once for all that compare with it."""
    if id(scenario) not in _played:
        _played[id(scenario)] = scenario, Play(scenario, NoFaults()).run()
    return _played[id(scenario)][1]


def exhaustive(scenario: Scenario, *, every: int = 1, loses: bool = False, parts: Parts | None = None) -> int:
    """Crash at every outward call, before and after it has its effect; return how many crashes hit.

    Args:
        scenario: what is played.
        every: take only every so-manieth call.
        loses: the executor is lost with the host, and all of its claims.
        parts: a host with broken parts, to see that it is found out.
    """
    expected = undisturbed(scenario)
    hits = 0
    for call, side in _places(expected.calls, every):
        faults = Crash((call, side), loses=loses)
        with _told(f"{scenario.name}: crash {side} call {call}{', executor lost' * loses}"):
            outcome = Play(scenario, faults, parts=parts or Parts()).run()
            require(sum(faults.hits.values()) == 1, "faults", "the crash did not happen")
            compare(scenario, expected, outcome)
        hits += 1
    return hits


def crash_pairs(scenario: Scenario, *, at_most_calls: int) -> int:
    """Crash at every pair of calls; return how many, none if the scenario is too long for that."""
    expected = undisturbed(scenario)
    if expected.calls > at_most_calls:
        return 0
    # The second crash may hit in the recovery from the first, so it may lie beyond the undisturbed end.
    pairs = list(combinations(_places(expected.calls + RECOVERY_CALLS, 1), 2))
    for pair in pairs:
        with _told(f"{scenario.name}: crashes at {pair}"):
            compare(scenario, expected, Play(scenario, Crash(*pair)).run())
    return len(pairs)


def _places(calls: int, every: int) -> Iterator[tuple[int, Side]]:
    for call in range(1, calls + 1, every):
        for side in SIDES:
            yield call, side


def random_run(scenario: Scenario, seed: int, *, parts: Parts | None = None) -> Outcome:
    """Play with a mixture of faults drawn from the seed."""
    expected = undisturbed(scenario)
    with _told(f"{scenario.name}: seed {seed}; replay it with hack/simulate --seed {seed} '{scenario.name}'"):
        outcome = Play(scenario, RandomFaults(seed), seed=seed, parts=parts or Parts()).run()
        require(bool(outcome.hits), "faults", "none hit")
        compare(scenario, expected, outcome)
    return outcome


def compare(scenario: Scenario, expected: Outcome, found: Outcome) -> None:
    """Faults change when things happen, not what comes out."""
    if scenario.steady:
        require(found.data == expected.data, "outputs", f"{found.data} instead of {expected.data}")
        differ = set(found.ends) ^ set(expected.ends)
        require(not differ, "ends", f"these ends differ: {sorted(differ)}")


class _told:  # noqa: N801
    """Says which run it was when something does not hold."""

    def __init__(self, run: str) -> None:
        self._run = run

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(self._run)


__all__ = ["Violation", "compare", "exhaustive", "random_run", "undisturbed"]
