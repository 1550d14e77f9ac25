"""What an isolated step put out: its termination message, and where that says so, the end of its log."""

import re
from typing import Final

from wfe.errors import Permanent
from wfe.expr.outputs import FILE_LIMIT
from wfe.model.json import Data
from wfe.model.task import ProcessTask
from wfe.pods.attempt import has_shell, sees_secrets
from wfe.supervisor.outputs import outputs_of

MESSAGE_LIMIT: Final = 4096
FRAME: Final = b"##wfe[outputs "
_END: Final = b"\n##wfe[end]\n"
FRAME_LIMIT: Final = FILE_LIMIT + 1024
_FIRST: Final = re.compile(rb"(outputs|logged|kept) (\d{1,9}) (\d{1,9})\n?")


class OutputsLost(Permanent):
    """The outputs cannot be had, or not taken; the text says what to do."""


def has_frame(message: str) -> bool:
    """Tell whether the log ends with a frame of outputs, which is no output to be read."""
    return message.startswith("logged ")


def outputs_in(task: ProcessTask, message: str, log_end: bytes) -> Data:
    """Return the outputs.

    Args:
        message: the termination message.
        log_end: what the log ends with, from the first line on that may begin a frame.

    Raises:
        OutputsLost, ExpressionError: they cannot be taken.
    """
    text = message.encode("utf-8", "surrogatepass")
    if has_shell(task):
        return _told(task, text, log_end)
    if sees_secrets(task):
        return {}
    if len(text) >= MESSAGE_LIMIT:
        raise OutputsLost(
            f"the outputs of a command in a pod of its own have {MESSAGE_LIMIT} bytes or more, which is as much as the "
            "kubelet keeps; put out less, or the name of a file in a volume"
        )
    return outputs_of(task, markers=b"", file=text)


def _told(task: ProcessTask, text: bytes, log_end: bytes) -> Data:
    found = _FIRST.match(text)
    if found is None:
        return {}
    how, markers, file = found[1], int(found[2]), int(found[3])
    if how == b"kept":
        raise OutputsLost(_why_kept(task, markers + file))
    body = text[found.end() :] if how == b"outputs" else _framed(log_end, markers, file)
    if len(body) != markers + file:
        raise OutputsLost(
            f"its outputs, {markers + file} bytes, could not be read whole from the pod; "
            "they are to be UTF-8 text, and nothing may write to stdout once the step has ended"
        )
    return outputs_of(task, markers=body[:markers], file=body[markers:])


def _why_kept(task: ProcessTask, size: int) -> str:
    if sees_secrets(task):
        return (
            "a step that sees secrets and has a pod of its own puts out nothing, since nobody can look for their "
            "values in it; take `isolation: pod` out, or give the secrets to another step"
        )
    return f"its outputs have {size} bytes, the limit is {FILE_LIMIT}; put out the name of a file in a volume instead"


def _framed(log_end: bytes, markers: int, file: int) -> bytes:
    head = b"%s%d %d]\n" % (FRAME, markers, file)
    start = len(log_end) - len(_END) - markers - file
    is_frame = log_end.endswith(_END) and log_end[:start].endswith(head)
    return log_end[start : start + markers + file] if is_frame else b""
