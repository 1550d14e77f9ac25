"""What all tests share: an event loop for each `async def` test, and in CI no skip that goes unseen."""

import asyncio
import inspect
import os
from pathlib import Path

import pytest
from hypothesis import settings

EXPECTED_SKIPS = Path(__file__).with_name("expected-skips.txt")

# How long an example takes is the machine's business.
settings.register_profile("wfe", deadline=None)
settings.load_profile("wfe")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


def pytest_configure(config: pytest.Config) -> None:
    # The workers of xdist report to the session that started them, and that one judges.
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        lines = EXPECTED_SKIPS.read_text().splitlines()
        config.pluginmanager.register(UnexpectedSkips({line for line in lines if not line.startswith("#")}))


class UnexpectedSkips:
    """Fails the run when something was skipped for a reason that is not in the list."""

    def __init__(self, expected: set[str]) -> None:
        self.expected = expected
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped:
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if reason not in self.expected:
            self.found[report.nodeid] = reason

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.found:
            terminalreporter.section(f"skips that {EXPECTED_SKIPS.name} does not expect", red=True)
        for nodeid, reason in sorted(self.found.items()):
            terminalreporter.line(f"{nodeid}: {reason}")
