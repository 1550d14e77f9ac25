"""The SQL of `statements.sql`, by name."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final


def read(package: str) -> Mapping[str, str]:
    """Return the statements of a package, by name: each stands below a line `-- name` in its `statements.sql`."""
    text = files(package).joinpath("statements.sql").read_text("utf-8")
    _, *pieces = re.split(r"^-- (\w+)$", text, flags=re.MULTILINE)
    return {name: sql.strip() for name, sql in zip(pieces[::2], pieces[1::2], strict=True)}


SQL: Final = read(__package__)
