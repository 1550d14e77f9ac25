"""Code blocks of a Markdown file, and what the HTML comments around them say about running them.

Before a block: `<!-- file: NAME -->` (write it there), `<!-- not run: REASON -->`.
After a block: `<!-- runs [OPTIONS]: STATUS {DATA} -->`, `<!-- loads: REASON -->`, `<!-- refused: TEXT -->` and
`<!-- prints: TEXT -->`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<before>[^\n]*?) -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```\n"
    r"(?:^<!-- (?P<after>[^\n]*?) -->\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    before: str
    after: str

    @property
    def file(self) -> str | None:
        return self.before.removeprefix("file: ") if self.before.startswith("file: ") else None

    @property
    def is_run(self) -> bool:
        return not self.before.startswith("not run: ")

    @property
    def title(self) -> str:
        return f"line-{self.line}-{self.file or self.language}"


def blocks_of(name: str) -> list[Block]:
    """Return the blocks of a file of the repository, in order."""
    text = (ROOT / name).read_text("utf-8")
    return [
        Block(
            language=found["language"],
            text=found["text"],
            line=text.count("\n", 0, found.start("language")) + 1,
            before=found["before"] or "",
            after=found["after"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def write_files(blocks: list[Block], directory: Path) -> None:
    """Write the blocks that name a file."""
    for block in blocks:
        if block.file is not None:
            path = directory / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
