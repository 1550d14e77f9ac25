"""The server's clock, from answers that take their time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from wfe.kube.clock import ServerClock

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Machines:
    """Two clocks: ours, since some start, and the server's."""

    def __init__(self) -> None:
        self.here = 1000.0
        self.there = START
        self.clock = ServerClock(lambda: self.here)

    def wait(self, seconds: float, *, drift: float = 0.0) -> None:
        self.here += seconds
        self.there += timedelta(seconds=seconds + drift)

    def ask(self, *, latency: float = 0.0) -> None:
        said = format_datetime(self.there.replace(microsecond=0), usegmt=True)
        self.wait(latency)
        self.clock.heard(said)

    @property
    def behind(self) -> float:
        return (self.there - self.clock.now()).total_seconds()


def test_the_time_told_is_never_ahead_and_less_than_a_second_behind() -> None:
    machines = Machines()
    machines.wait(0.9)
    machines.ask()
    assert machines.behind == pytest.approx(0.9)
    machines.wait(0.15)
    machines.ask()
    assert machines.behind == pytest.approx(0.05)
    machines.wait(0.7)
    machines.ask()
    assert machines.behind == pytest.approx(0.05)


def test_a_slow_answer_does_not_spoil_what_a_fast_one_proved() -> None:
    machines = Machines()
    machines.ask()
    machines.ask(latency=3.0)
    assert machines.behind == pytest.approx(0)


def test_clocks_that_drift_apart_do_not_carry_us_ahead_of_the_server() -> None:
    machines = Machines()
    for _ in range(600):
        # Ours is fast by a thousandth.
        machines.wait(1, drift=-0.001)
        machines.ask()
        assert machines.behind > -0.13


def test_a_server_whose_clock_is_set_back_is_followed_and_the_time_stands_still_meanwhile() -> None:
    machines = Machines()
    machines.ask()
    before = machines.clock.now()
    machines.there -= timedelta(seconds=30)
    for _ in range(200):
        machines.wait(1)
        machines.ask()
        assert machines.clock.now() >= before
    assert machines.behind == pytest.approx(0, abs=1)


@pytest.mark.parametrize("header", [None, "", "soon", "Thu, 99 Foo 2030"])
def test_a_header_that_is_no_date_is_ignored(header: str | None) -> None:
    machines = Machines()
    machines.clock.heard(header)
    assert not machines.clock.is_set
    with pytest.raises(RuntimeError):
        machines.clock.now()
