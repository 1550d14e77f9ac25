"""Names of files, as text: nothing here looks at a disk."""

from pathlib import PurePosixPath


def beside(file: str, name: str) -> str:
    """Return the path of a file that another one names relative to itself."""
    path = PurePosixPath(name)
    joined = path if path.is_absolute() else PurePosixPath(file).parent / path
    parts: list[str] = []
    for part in joined.parts:
        if part != ".." or not parts or parts[-1] == "..":
            parts.append(part)
        elif parts[-1] != "/":
            parts.pop()
    return str(PurePosixPath(*parts))
