"""Placeholders in shell scripts: each becomes an expansion of an environment variable, never script text.

`echo ((name))` becomes `echo "${WFE_VAR_1}"`, and inside double quotes `${WFE_VAR_1}`, so that a value stays
one word and is never read as shell. For that the scanner follows the quoting of sh: quotes, comments,
here-documents, `$(…)`, backticks, `${…}`. Where the shell would expand nothing (single quotes, quoted
here-documents), or would read a value as code (arithmetic), a placeholder is a problem. Were the scanner ever
wrong about quoting, a value would come out with stray quotes or not at all; it could still not become code.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from wfe.expr.template import (
    Arithmetic,
    Placeholder,
    escape_at,
    may_have_placeholders,
    placeholder_at,
)

PREFIX: Final = "WFE_VAR_"
LIKE_SH: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
"""The shells whose quoting this module knows."""

LONGEST: Final = 256 * 1024
_DEEPEST: Final = 50
_LONG_TEST: Final = 500
_PLAIN: Final = re.compile(r"[\\'\"`$#<\n()]|\b(?:case|esac)\b")
_QUOTED: Final = re.compile(r"[\\\"`$(]")
_BODY: Final = re.compile(r"[\\`$(]")
_PARAMETER: Final = re.compile(r"[\\'\"`$(}]")
_PARAMETER_HEAD: Final = re.compile(r"\$\{[!#]?(?:\w+|[@*#?$!-])?(:?[-=+?])?", re.ASCII)
_COMMAND_BEGINS: Final = re.compile(r"(?:^|[;&|({!\n`)]|\b(?:then|do|else|elif|if|while|until))[ \t\n]*\Z")
_ANSI: Final = re.compile(r"\$'(?:\\.|[^'\\])*'?", re.DOTALL)
_HEREDOC: Final = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^'\n]*'|\"[^\"\n]*\"|[^\s;&|<>()'\"\\])+)")
_NUMERIC_TEST: Final = re.compile(r"\[\[[^\n]*\s-(?:eq|ne|lt|le|gt|ge)\s")


@dataclass(frozen=True, slots=True)
class BindProblem:
    """A placeholder where the shell cannot expand it; `offset` counts characters of the script."""

    offset: int
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A script without placeholders, and what its new variables stand for: name → placeholder."""

    script: str
    variables: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BindProblem, ...] = ()


@lru_cache(maxsize=64)
def bind(script: str, shell: str = "sh") -> Bound:
    """Replace the placeholders of a script by expansions of variables."""
    if not may_have_placeholders(script):
        return Bound(script)
    if len(script) > LONGEST:
        what = f"a script with placeholders has {len(script)} characters, {LONGEST} are the most"
        return Bound(
            script, problems=(BindProblem(0, what, "give values to programs by `env`, or in a file"),)
        )
    scan = _Scan(script, ansi_quotes=shell in {"bash", "zsh", "ksh"})
    try:
        scan.plain("")
    except _TooDeep:
        scan.problem(
            scan.at, f"commands are nested more than {_DEEPEST} deep", "write them one after another"
        )
    return Bound(scan.bound(), dict(scan.variables.values()), tuple(scan.problems))


class _TooDeep(Exception):
    """Substitutions in substitutions, without end."""


class _Scan:
    """One pass over a script; each method reads one construct and leaves `at` behind it."""

    def __init__(self, text: str, *, ansi_quotes: bool) -> None:
        self.text = text
        self.at = 0
        self.ansi_quotes = ansi_quotes
        self.edits: list[tuple[int, int, str]] = []
        self.variables: dict[tuple[str, ...], tuple[str, str]] = {}
        self.problems: list[BindProblem] = []
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.depth = 0
        self.sums = Arithmetic(text)

    def bound(self) -> str:
        parts: list[str] = []
        done = 0
        for start, end, new in self.edits:
            parts.extend((self.text[done:start], new))
            done = end
        return "".join([*parts, self.text[done:]])

    # What may stand anywhere.

    def problem(self, offset: int, what: str, remedy: str) -> None:
        self.problems.append(BindProblem(offset, what, remedy))

    def placeholder(self, *, quoted: bool) -> bool:
        """Replace the placeholder that begins here. False if none does."""
        found = placeholder_at(self.text, self.at)
        if found is None:
            return False
        if self.is_compared_as_number(found):
            self.problem(
                found.start,
                f"`{found.source}` is compared as a number in `[[ ]]`, where a value could become code",
                "compare with `[ ]`, which takes nothing but numbers",
            )
        expansion = f"${{{self.variable(found)}}}"
        self.edits.append((found.start, found.end, expansion if quoted else f'"{expansion}"'))
        self.at = found.end
        return True

    def is_compared_as_number(self, found: Placeholder) -> bool:
        near = max(0, found.start - _LONG_TEST)
        line = max(self.text.rfind("\n", near, found.start) + 1, near)
        opened = self.text.rfind("[[", line, found.start)
        if opened < 0 or "]]" in self.text[opened : found.start]:
            return False
        test = self.text[opened : found.end + _LONG_TEST].partition("]]")[0]
        return _NUMERIC_TEST.match(test) is not None

    def variable(self, found: Placeholder) -> str:
        key = ("var" if found.variable_only else "", *found.names)
        return self.variables.setdefault(key, (f"{PREFIX}{len(self.variables) + 1}", found.source))[0]

    def refuse(self, start: int, end: int, where: str, remedy: str, *, openings: str = "($") -> None:
        """Report every placeholder of a stretch where none may stand."""
        at = start
        while at < end:
            escape = escape_at(self.text, at) if self.text[at] == "\\" else None
            found = placeholder_at(self.text, at) if self.text[at] in openings else None
            if escape:
                self.edits.append((at, at + 1, ""))
            elif found:
                self.problem(at, f"`{found.source}` stands {where}", remedy)
            at = found.end if found else at + len(escape or "x")

    def backslash(self) -> None:
        escape = escape_at(self.text, self.at)
        if escape and escape.startswith("\\("):
            self.edits.append((self.at, self.at + 1, ""))
        self.at += len(escape) if escape else 2

    def nested(self, read: Callable[[], None]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _TooDeep
        read()
        self.depth -= 1

    def backticks(self) -> None:
        self.at += 1
        self.nested(lambda: self.plain("`"))

    def dollar(self, *, quoted: bool) -> None:
        text, at = self.text, self.at
        if self.placeholder(quoted=quoted):
            return
        if text.startswith("${{", at):
            self.problem(
                at,
                "`${{` begins a placeholder, and no name with `}}` follows",
                "write `${{ name }}`, or `\\${{` for text",
            )
            self.at += 3
        elif text.startswith("$((", at) and self.arithmetic(at + 3):
            return
        elif text.startswith("$(", at):
            self.at += 2
            self.nested(lambda: self.plain(")"))
        elif text.startswith("${", at):
            self.nested(lambda: self.parameter(quoted=quoted))
        elif text.startswith("$'", at) and self.ansi_quotes and not quoted:
            self.ansi()
        else:
            self.at += 1

    def arithmetic(self, inside: int) -> bool:
        end = self.sums.end(inside - 2)
        if end is None:
            return False
        self.refuse(
            inside,
            end,
            "in shell arithmetic, where a value could become code",
            "assign it to a variable first, check that it is a number, and count with the variable",
            openings="$",
        )
        self.at = end
        return True

    def parameter(self, *, quoted: bool) -> None:
        """Read `${…}`; only words for an unset variable, as in `${A:-word}`, take placeholders."""
        head = _PARAMETER_HEAD.match(self.text, self.at)
        takes_words = head is not None and head[1] is not None
        self.at = head.end() if head else self.at + 2
        while found := _PARAMETER.search(self.text, self.at):
            self.at = found.start()
            if found[0] == "}":
                self.at += 1
                return
            if not takes_words and (inner := placeholder_at(self.text, self.at)):
                self.problem(
                    self.at,
                    f"`{inner.source}` stands in a `${{…}}` that would read it as a pattern or a number",
                    "assign it to a variable first, and use that",
                )
                self.at = inner.end
            elif found[0] == "'" and not (quoted and takes_words):
                self.single()
            else:
                self.step(found[0], quoted=quoted)
        self.at = len(self.text)

    def step(self, character: str, *, quoted: bool) -> None:
        """Read the construct that begins with this character, wherever it stands."""
        match character:
            case "\\":
                self.backslash()
            case '"':
                self.nested(self.double)
            case "`":
                self.backticks()
            case "$":
                self.dollar(quoted=quoted)
            case _:
                if character != "(" or not self.placeholder(quoted=quoted):
                    self.at += 1

    # Quotes.

    def single(self) -> None:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        self.refuse(
            self.at + 1,
            end,
            "in single quotes, where the shell expands nothing",
            "use double quotes, or end the single quotes before it and begin them again behind it",
        )
        self.at = end + 1

    def ansi(self) -> None:
        found = _ANSI.match(self.text, self.at)
        end = found.end() if found else self.at + 2
        self.refuse(
            self.at + 2,
            end,
            "in single quotes, where the shell expands nothing",
            "end the quotes before it, and begin them again behind it",
        )
        self.at = end

    def double(self) -> None:
        self.at += 1
        while found := _QUOTED.search(self.text, self.at):
            self.at = found.start()
            if found[0] == '"':
                self.at += 1
                return
            self.step(found[0], quoted=True)
        self.at = len(self.text)

    # Commands.

    def plain(self, closer: str) -> None:
        """Read commands, up to and with the closer; to the end without one."""
        constructs: Mapping[str, Callable[[], None]] = {
            "'": self.single,
            "#": self.comment,
            "<": self.redirection,
            "\n": self.newline,
            "(": self.parenthesis,
        }
        cases = 0
        while found := _PLAIN.search(self.text, self.at):
            self.at, begin = found.start(), found[0]
            if begin == closer and not (begin == ")" and cases):
                self.at += 1
                return
            if begin in {"case", "esac"}:
                cases = max(0, cases + self.case(begin))
            elif begin in constructs:
                constructs[begin]()
            else:
                self.step(begin, quoted=False)
        self.at = len(self.text)

    def case(self, word: str) -> int:
        begins = _COMMAND_BEGINS.search(self.text[max(0, self.at - 40) : self.at])
        self.at += 4
        return (1 if word == "case" else -1) if begins else 0

    def comment(self) -> None:
        if self.at == 0 or self.text[self.at - 1] in " \t\n;&|()`":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        else:
            self.at += 1

    def parenthesis(self) -> None:
        if self.placeholder(quoted=False):
            return
        if self.text.startswith("((", self.at) and self.arithmetic(self.at + 2):
            return
        self.at += 1
        self.nested(lambda: self.plain(")"))

    # Here-documents: their bodies begin at the next line.

    def redirection(self) -> None:
        found = None if self.text.startswith("<<<", self.at) else _HEREDOC.match(self.text, self.at)
        if found is None:
            self.at += 3 if self.text.startswith("<<<", self.at) else 1
            return
        word = found[2]
        self.heredocs.append(
            (re.sub(r"[\\'\"]", "", word), found[1] == "-", bool(re.search(r"[\\'\"]", word)))
        )
        self.at = found.end()

    def newline(self) -> None:
        self.at += 1
        heredocs, self.heredocs = self.heredocs, []
        for word, tabs, quoted in heredocs:
            self.body(word, tabs=tabs, quoted=quoted)

    def body(self, word: str, *, tabs: bool, quoted: bool) -> None:
        indent = r"\t*" if tabs else ""
        ending = re.compile(rf"^{indent}{re.escape(word)}$", re.MULTILINE).search(self.text, self.at)
        if ending is None:
            return  # no here-document, but a shift in some arithmetic that nobody marked as such
        end = ending.start()
        if quoted:
            self.refuse(
                self.at,
                end,
                f"in a here-document with a quoted `{word}`, where the shell expands nothing",
                f"take the quotes off `{word}`, or read the value from the environment",
            )
        while not quoted and (found := _BODY.search(self.text, self.at, end)):
            self.at = found.start()
            self.step(found[0], quoted=True)
        self.at = max(self.at, ending.end())
