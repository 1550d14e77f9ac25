"""What a step gives back: marker lines among its output, and the file WFE_OUTPUT, which wins."""

from typing import Final

from wfe.expr.errors import ExpressionError
from wfe.expr.outputs import FILE_LIMIT, parse_marker, parse_output_file
from wfe.model.json import Json
from wfe.model.task import OutputFormat, ProcessTask

MARKER: Final = b"##wfe[output "
# One byte more than may be taken tells too much from just enough.
READ_LIMIT: Final = FILE_LIMIT + 1


def counts_markers(task: ProcessTask) -> bool:
    """Tell whether marker lines of stdout are outputs of this task; what Deno prints never is."""
    return task.stdout_outputs and task.output_format is OutputFormat.TEXT


def outputs_of(task: ProcessTask, *, markers: bytes, file: bytes) -> dict[str, Json]:
    """Return the outputs, given the marker lines and the file, each no longer than READ_LIMIT.

    Raises:
        ExpressionError: they cannot be taken.
    """
    outputs: dict[str, Json] = {}
    if counts_markers(task):
        outputs.update(_marked(markers))
    outputs.update(parse_output_file(file))
    return outputs


def _marked(markers: bytes) -> dict[str, Json]:
    if len(markers) > FILE_LIMIT:
        raise ExpressionError(
            f"the output lines on stdout have more than {FILE_LIMIT} bytes together; "
            "write large results to a file in the workspace, and put out its name"
        )
    return dict(filter(None, map(parse_marker, markers.split(b"\n"))))


class MarkerLines:
    """Picks the marker lines out of a stream that comes in pieces, whatever the length of a line."""

    def __init__(self) -> None:
        self._found = bytearray()
        self._line_begins = True
        self._in_marker = False

    def see(self, piece: bytes) -> None:
        """Look at the next piece, which holds at most one line's end, as its last byte."""
        if self._line_begins:
            self._in_marker = piece.startswith(MARKER)
        if self._in_marker:
            self._found += piece[: READ_LIMIT - len(self._found)]
        self._line_begins = piece.endswith(b"\n")

    @property
    def found(self) -> bytes:
        """The lines, or as many bytes as anybody would read."""
        return bytes(self._found)
