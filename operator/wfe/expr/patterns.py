"""Regular expressions of users, matched in linear time by RE2; the only door to that library."""

import re
from functools import lru_cache
from typing import Any, Final

from wfe.expr.errors import ExpressionError

LONGEST_TEXT: Final = 64 * 1024
LONGEST_PATTERN: Final = 1000
_QUANTIFIER: Final = re.compile(r"[*+]|\{\d+,?\d*\}")
_ATOM: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|.", re.DOTALL)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    # Imported when first used: most workflows have no pattern, and this costs 5 ms.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ExpressionError(
            f"the pattern `{pattern}` cannot be used: {said}; "
            "patterns are those of RE2, without backreferences and lookaround"
        ) from error


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that cannot be used.

    Raises:
        ExpressionError: it is no pattern, too long, or repeats what is only repetitions, as in `(a+)+`.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ExpressionError(f"a pattern has at most {LONGEST_PATTERN} characters, this one {len(pattern)}")
    _compiled(pattern)
    if _repeats_repetitions(pattern):
        raise ExpressionError(
            f"the pattern `{pattern}` repeats a group of which every part is repeated; write `(a+)+` as `a+`"
        )


def search(pattern: str, text: str) -> bool:
    """Return whether the pattern matches anywhere in the text.

    Raises:
        ExpressionError: the pattern is wrong, or the text is longer than 64 KiB.
    """
    check_pattern(pattern)
    size = len(text.encode("utf-8", "replace"))
    if size > LONGEST_TEXT:
        raise ExpressionError(f"`matches` takes at most {LONGEST_TEXT} bytes, this text has {size}")
    return _compiled(pattern).search(text) is not None


def _repeats_repetitions(pattern: str) -> bool:
    # For every open group: does the alternative being read have a part that is not repeated; had one none.
    firm, loose, some = [False], [False], [False]
    parts = _ATOM.findall(pattern)
    for index, part in enumerate(parts):
        if part == "(":
            for stack in (firm, loose, some):
                stack.append(False)
        elif part in {"|", ")"} and len(firm) > 1:
            loose[-1] = loose[-1] or (some[-1] and not firm[-1])
            firm[-1] = some[-1] = False
            if part == ")":
                nested = loose.pop()
                firm.pop()
                some.pop()
                repeated = _is_repeated(parts, index)
                if nested and repeated:
                    return True
                _saw(firm, some, repeated=repeated or nested)
        elif not _is_syntax(parts, index):
            _saw(firm, some, repeated=_is_repeated(parts, index))
    return False


def _saw(firm: list[bool], some: list[bool], *, repeated: bool) -> None:
    some[-1] = some[-1] or repeated
    firm[-1] = firm[-1] or not repeated


def _is_repeated(tokens: list[str], index: int) -> bool:
    return bool(_QUANTIFIER.match("".join(tokens[index + 1 : index + 12])))


def _is_syntax(tokens: list[str], index: int) -> bool:
    """Return whether a token is no part of its own: a quantifier, an anchor, or what follows `(?`."""
    before = "".join(tokens[max(0, index - 24) : index])
    is_quantifier = tokens[index] in {"*", "+", "?", "^", "$"}
    in_braces = re.search(r"\{[\d,]*$", before) is not None or tokens[index] == "{"
    in_group_head = re.search(r"\(\?(?:P?<\w*|[a-zA-Z-]*)$", before) is not None
    return is_quantifier or in_braces or in_group_head
