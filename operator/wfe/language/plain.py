"""YAML text to plain values, by the same rules as workflow files: no tags, no surprises, within budgets."""

from wfe.errors import Permanent
from wfe.language.faults import Fault
from wfe.language.parse import parse
from wfe.language.values import Values
from wfe.model.json import Json


class NotYaml(Permanent):
    """The text is no YAML, or more than plain values; the message says where."""


def plain_value(text: bytes) -> Json:
    """Return the value of a YAML document; JSON is YAML.

    Raises:
        NotYaml: it is none, or says something that JSON cannot.
    """
    values = Values()
    try:
        value = values.of(parse(text))
        for fault in values.faults:
            raise fault
    except Fault as fault:
        raise NotYaml(f"{fault.what} (line {fault.line + 1}); {fault.remedy}") from fault
    return value
