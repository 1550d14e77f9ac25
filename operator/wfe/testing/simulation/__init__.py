"""The embedded host in simulation: one process, one seed, virtual time, crashes anywhere.

The engine and the runtime are the real ones; store, executor, leases and clock are simulated around a world that
survives the crashes of its hosts. `play` runs a scenario once; `schedules` says when the world misbehaves.
"""

from wfe.testing.simulation.faults import Crash, Faults, NoFaults, RandomFaults
from wfe.testing.simulation.host import Host, Parts
from wfe.testing.simulation.oracles import Violation
from wfe.testing.simulation.play import Outcome, Play
from wfe.testing.simulation.scenario import Act, Does, Scenario
from wfe.testing.simulation.schedules import crash_pairs, exhaustive, random_run, undisturbed

__all__ = [
    "Act",
    "Crash",
    "Does",
    "Faults",
    "Host",
    "NoFaults",
    "Outcome",
    "Parts",
    "Play",
    "RandomFaults",
    "Scenario",
    "Violation",
    "crash_pairs",
    "exhaustive",
    "random_run",
    "undisturbed",
]
