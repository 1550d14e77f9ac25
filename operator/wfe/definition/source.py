"""The normal form of a definition: JSON text that says the same, whatever file it came from."""

import json
from hashlib import sha256
from typing import Final

from wfe.definition.workflow import WorkflowModel
from wfe.errors import Permanent
from wfe.model.forms import NotJson, load_json

LANGUAGE: Final = 1


class SourceUnknown(Permanent):
    """The text is no definition that this version can read."""


def normal_form(workflow: WorkflowModel) -> str:
    """Return a definition as canonical text: what was written, comments, anchors and includes resolved."""
    plain = workflow.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(
        {"language": LANGUAGE, "workflow": plain}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def digest_of(source: str) -> str:
    return sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def model_from_source(source: str) -> WorkflowModel:
    """Return the model of a definition from its normal form.

    Raises:
        SourceUnknown: it was written by a later version, or by nobody we know.
    """
    try:
        stored = load_json(source)
        language, plain = stored["language"], stored["workflow"]
    except (NotJson, KeyError, TypeError) as error:
        raise SourceUnknown("the stored definition is not one; register the workflow again") from error
    if language != LANGUAGE:
        raise SourceUnknown(
            f"the stored definition is in version {language} of the language, this is version {LANGUAGE}; "
            "use the version of wfe that stored it, or a later one"
        )
    return WorkflowModel.model_validate(plain)
