"""Services share one network: no two listen on a port. Keys of the workflow that say the same thing agree."""

from collections.abc import Iterator

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, warning
from wfe.definition.services import Service


def check(subject: Subject) -> Iterator[Finding]:
    taken: dict[int, str] = {}
    for name, service in subject.workflow.services.items():
        for index, port in enumerate(service.ports):
            if port in taken:
                both = f"services `{taken[port]}` and `{name}` both listen on"
                what = f"service `{name}` lists" if taken[port] == name else both
                twice = " twice" if taken[port] == name else ""
                yield Finding(
                    ("services", name, "ports", index),
                    f"{what} port {port}{twice}",
                    "take one of them out, or give it another port",
                )
            taken.setdefault(port, name)
        yield from _readiness(name, service)
    workflow = subject.workflow
    if workflow.shared_volume is not None and workflow.workspace in {"pod", "none"}:
        yield Finding(
            ("workspace",),
            f"`workspace: {workflow.workspace}` stands beside `shared_volume`, which "
            "makes the workspace a volume",
            "take one of them out",
        )


def _readiness(name: str, service: Service) -> Iterator[Finding]:
    ready = service.readiness
    if ready is None:
        if not service.ports:
            yield warning(
                ("services", name),
                f"nothing tells whether service `{name}` is ready",
                "give it `ports` or `readiness`",
            )
        return
    given = [key for key in ("exec", "tcp", "http") if getattr(ready, key) is not None]
    where = ("services", name, "readiness")
    if not given:
        yield Finding(where, "`readiness` checks nothing", "add one of exec, tcp, http")
    elif len(given) > 1:
        yield Finding(
            (*where, given[1]), f"`readiness` has `{given[0]}` and `{given[1]}`", "choose one", on_key=True
        )
    if ready.retries is not None:
        yield warning((*where, "retries"), "`retries` has no meaning here", "use `timeout`", on_key=True)
