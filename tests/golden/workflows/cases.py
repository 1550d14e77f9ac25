"""The ways that the files of this directory can go: what each is given, and what is there in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wfe import InstanceStatus

COMPLETE, FAILED = InstanceStatus.COMPLETE, InstanceStatus.FAILED
VARIABLES = {"registry": "registry.example.com"}
MIGRATIONS = {
    "migrations/0002-add-index.sql": "create index on orders (customer);\n",
    "migrations/0003-split-names.sql": "alter table customers add first_name text;\n",
    "migrations/0004-drop-column.sql": "alter table customers drop name;\n",
    "db/schema": "0001-begin\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run of a file.

    Attributes:
        events: name, key and payload of what is published as soon as it runs.
        files: what the workspace holds before, by path.
        mended: what somebody puts there while it is suspended, before it is resumed; nothing if it never is.
        history: subjects of commits of a repository in the workspace; the first is tagged v1.2.3.
        outputs: some of what it puts out.
        skipped, calls: paths of steps whose condition was false, and lines in `calls.log`, among others.
        services: names of the services that ran, and run no more.
        never: no call begins like this.
        left: what files hold in the end; None if they must not be there.
    """

    file: str
    workflow: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, str, Any], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    mended: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    status: InstanceStatus = COMPLETE
    outputs: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    left: Mapping[str, str | None] = field(default_factory=dict)


CASES = {
    "ci-of-one-part": Case(
        file="monorepo-ci",
        workflow="ci",
        inputs={"commit": "0123456789ab", "branch": "feature/x", "changed": ["web/a.ts", "README.md"]},
        files={"fails.npm": "2"},
        outputs={"image_tag": "feature-x-0123456", "web_tests": 42, "api_tests": None, "coverage": 87.5},
        skipped=("parts/api", "parts/worker", "gate"),
        calls=("npm lint web", "image build web feature-x-0123456", "chat post ci feature-x-0123456 is good"),
        never=("cargo", "go"),
        left={"report.txt-web": None},
    ),
    "ci-of-everything-under-the-threshold": Case(
        file="monorepo-ci",
        workflow="ci",
        inputs={"commit": "0123456789ab", "changed": ["build/rules"], "coverage_threshold": 90},
        status=FAILED,
        calls=("npm test web", "cargo test api", "go test worker"),
        never=("chat",),
    ),
    "deployment-approved": Case(
        file="deploy-with-approval",
        workflow="deploy",
        inputs={"version": "1.1", "change": "CHG-7"},
        events=(("change.decided", "CHG-7", {"approved": True, "by": "Ada"}),),
        files={"images/shop-1.1": "", "fails.image": "1", "cluster/shop": "1.0\n"},
        outputs={"staging": "1.1", "production": "1.1", "approved_by": "Ada", "result": "deployed"},
        left={"cluster/shop": "1.1\n", "cluster/shop-staging": "1.1\n"},
    ),
    "deployment-refused": Case(
        file="deploy-with-approval",
        workflow="deploy",
        inputs={"version": "1.1", "change": "CHG-7"},
        events=(("change.decided", "CHG-7", {"approved": False, "by": "Eve"}),),
        files={"images/shop-1.1": "", "cluster/shop": "1.0\n"},
        outputs={"production": "1.0", "approved_by": None, "result": "refused by Eve"},
        skipped=("announce",),
        left={"cluster/shop": "1.0\n"},
    ),
    "deployment-nobody-answers": Case(
        file="deploy-with-approval",
        workflow="deploy",
        inputs={"version": "1.1", "change": "CHG-7", "patience": "20ms"},
        files={"images/shop-1.1": "", "cluster/shop": "1.0\n"},
        outputs={"production": "1.0", "result": "refused by nobody"},
    ),
    "deployment-unhealthy": Case(
        file="deploy-with-approval",
        workflow="deploy",
        inputs={"version": "1.1", "change": "CHG-7"},
        events=(("change.decided", "CHG-7", {"approved": True, "by": "Ada"}),),
        files={"images/shop-1.1": "", "cluster/shop": "1.0\n", "broken.shop": "9"},
        outputs={"staging": "1.1", "production": "1.0", "result": "put back"},
        calls=("kubectl undo shop",),
        left={"cluster/shop": "1.0\n"},
    ),
    "etl-from-unreliable-sources": Case(
        file="etl-with-retries",
        inputs={"allowed_rejects": 0.4},
        files={"fails.db": "2", "warehouse/today": "[]"},
        outputs={
            "rows": 3,
            "attempts": 3,
            "rejected": ["4: no customer nobody", "5: no price of unknown"],
            "revenue": 23.5,
            "quality": "tolerable",
        },
        left={"warehouse/yesterday": "[]", "staging/2026-01-31/rows.json": None},
    ),
    "etl-of-too-much-rubbish": Case(
        file="etl-with-retries",
        status=FAILED,
        calls=("pager raise etl too much of 2026-01-31 is rejected",),
        left={"warehouse/today": None},
    ),
    "migration": Case(
        file="database-migration",
        workflow="migrate",
        files=MIGRATIONS,
        outputs={
            "schema": "0004-drop-column",
            "applied": ["0002-add-index", "0003-split-names", "0004-drop-column"],
            "state": "migrated",
            "rows_before": 1,
        },
        skipped=("page",),
        left={"db/mode": "normal\n", "cluster/writer": "running\n"},
    ),
    "migration-reverted": Case(
        file="database-migration",
        workflow="migrate",
        files={**MIGRATIONS, "migrations/0004-drop-column.sql": "BROKEN\n"},
        outputs={"schema": "0001-begin", "applied": [], "state": "reverted"},
        calls=(
            "db revert 0003-split-names",
            "db revert 0002-add-index",
            "pager raise shop migrations were reverted",
        ),
        left={"db/mode": "normal\n", "db/schema": "0001-begin\n", "cluster/writer": "running\n"},
    ),
    "migration-without-its-sources": Case(
        file="database-migration", workflow="migrate", status=FAILED, never=("db", "kubectl")
    ),
    "matrix": Case(
        file="matrix-build",
        workflow="matrix",
        outputs={"combinations": 11, "failed": ["darwin-arm64/nightly"], "sums": 10},
        skipped=("all[9]/one/attempt/run-tests",),
    ),
    "release": Case(
        file="release-train",
        workflow="train",
        history=("chore: begin", "fix: no more crashes", "feat(cli): colours"),
        files={"fails.image": "1"},
        outputs={
            "previous": "v1.2.3",
            "next": "v1.3.0",
            "changes": 2,
            "notes": "# v1.3.0\n\n## Added\n- colours\n\n## Fixed\n- no more crashes",
            "published": ["core@v1.3.0", "cli@v1.3.0", "server@v1.3.0"],
            "state": "departed",
        },
        calls=("chat post releases v1.3.0 is out with 2 more packages",),
    ),
    "release-taken-back": Case(
        file="release-train",
        workflow="train",
        history=("chore: begin", "feat!: everything is new"),
        inputs={"packages": ["core", "cli", "forbidden"]},
        outputs={"next": "v2.0.0", "published": [], "state": "cancelled"},
        calls=("image remove cli v2.0.0", "image remove core v2.0.0"),
        left={"images/core-v2.0.0": None, "repository/.git/refs/tags/v2.0.0": None},
    ),
    "release-rehearsed": Case(
        file="release-train",
        workflow="train",
        history=("chore: begin", "fix: a typo"),
        inputs={"dry_run": True},
        outputs={"next": "v1.2.4", "state": "rehearsed"},
        never=("image", "chat"),
    ),
    "night": Case(
        file="nightly-jobs",
        workflow="nightly",
        variables={"day": "2026-01-31"},
        files={f"backups/2026-01-{day}": "" for day in range(25, 30)} | {"fails.db": "1"},
        outputs={
            "backups": 3,
            "removed": 3,
            "renewed": ["shop.example.com"],
            "weekly": True,
            "failures": ["caches ended with 1"],
            "report": "Night of 2026-01-31: 3 backups, 1 failures",
        },
        skipped=("jobs/monthly-invoices",),
        left={"shop.example.com.pem": None, "backups/2026-01-27": None, "backups/2026-01-28": ""},
    ),
    "backfill": Case(
        file="data-backfill",
        outputs={
            "planned": 1000,
            "written": 800,
            "skipped": 200,
            "second_attempts": 8,
            "checksum": 960_800,
            "rounds": 3,
        },
        skipped=("records[0]/fill", "records[199]/fill"),
        left={"filled": None},
    ),
    "incident-rolled-back": Case(
        file="incident-runbook",
        workflow="incident",
        inputs={
            "incident": "INC-9",
            "service": "shop",
            "severity": 1,
            "page_every": "10ms",
            "watch_every": "10ms",
        },
        events=(
            ("page.acknowledged", "INC-9", {"by": "Grace"}),
            ("mitigation.chosen", "INC-9", {"action": "rollback"}),
        ),
        files={"cluster/shop": "1.1\n", "cluster/shop.before": "1.0\n", "rates": "0 2\n"},
        outputs={
            "commander": "Grace",
            "mitigation": "rolled back to 1.0",
            "pages": 3,
            "facts": ["deployments of shop at 1", "dashboards of shop at 1", "recent-changes of shop at 1"],
            "recovered": True,
            "postmortem": "incidents/INC-9/postmortem.md",
        },
        calls=("chat post Grace the postmortem of INC-9 is due", "chat close INC-9"),
        left={"incidents/INC-9/status": "resolved\n", "incidents/INC-9/clock": "stopped\n"},
    ),
    "incident-nobody-acknowledges": Case(
        file="incident-runbook",
        workflow="incident",
        inputs={
            "incident": "INC-9",
            "service": "shop",
            "page_every": "10ms",
            "watch_every": "10ms",
            "answer_within": "30s",
        },
        events=(
            ("page.acknowledged", "INC-8", {"by": "somebody else"}),
            ("page.acknowledged", "INC-9", {"by": "Alan"}),
            ("mitigation.chosen", "INC-9", {"action": "scale"}),
        ),
        outputs={"commander": "Alan", "mitigation": "scaled"},
        skipped=("status-page",),
        left={"cluster/shop.weight": "200\n"},
    ),
    "canary-promoted": Case(
        file="canary-rollout",
        workflow="canary",
        inputs={"image": "2.0", "bake": "10ms"},
        files={"rates": "0 0\n5 1\n50 2\n"},
        outputs={
            "reached": 100,
            "stable": "2.0",
            "worst": 2,
            "verdict": "promoted",
            "history": ["1%: 0", "5%: 1", "25%: 1", "50%: 2", "100%: 2"],
        },
        left={"cluster/shop.weight": "0\n"},
    ),
    "canary-aborted": Case(
        file="canary-rollout",
        workflow="canary",
        inputs={"image": "2.0", "bake": "10ms"},
        files={"cluster/shop": "1.0\n", "rates": "0 0\n25 7\n"},
        outputs={
            "reached": 5,
            "stable": "1.0",
            "worst": 7,
            "verdict": "aborted",
            "history": ["1%: 0", "5%: 0", "25%: 7"],
        },
        skipped=("climb[3]/within-budget", "climb[4]/within-budget"),
        calls=("pager raise shop canary 2.0 is aborted at 5%",),
        left={"cluster/shop.weight": "0\n"},
    ),
    "service-with-its-database": Case(
        file="service-pipeline",
        workflow="pipeline",
        variables=VARIABLES,
        inputs={"workspace_dir": ".", "revision": "0123456789ab", "channels": ["releases"]},
        files={"fails.go": "1", "fails.image": "2"},
        mended={"signing.key": "secret\n"},
        outputs={
            "database_version": "0002-step",
            "image": "registry.example.com/shop:0123456",
            "announced": True,
        },
        calls=("db apply migrations/0001-step.sql", "go test shop", "image exists shop 0123456"),
        services=("postgres",),
        left={
            "build/announcement": "registry.example.com/shop:0123456, tested with 0002-step\n",
            "build/scanned": "scanned 0123456\n",
            "build/tests": None,
        },
    ),
    "service-that-nobody-can-pack": Case(
        file="service-pipeline",
        workflow="pipeline",
        variables=VARIABLES,
        inputs={"workspace_dir": ".", "revision": "0123456789ab", "urgent": True, "channels": []},
        files={"fails.image": "9"},
        status=FAILED,
        calls=("chat post shop no image of 0123456",),
        services=("postgres",),
    ),
    "service-in-a-hurry": Case(
        file="service-pipeline",
        workflow="pipeline",
        variables=VARIABLES,
        inputs={"workspace_dir": ".", "revision": "0123456789ab", "urgent": True, "channels": ["beta"]},
        files={"signing.key": "secret\n"},
        outputs={"image": "registry.example.com/shop:0123456", "announced": None},
        skipped=("scan", "announce"),
        services=("postgres",),
        left={"build/announcement": None, "build/scanned": None},
    ),
}
