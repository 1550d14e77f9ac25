"""The schema says what the models accept."""

import json
from typing import Any

from wfe.definition.schema import json_schema
from wfe.definition.step import Step


def test_every_key_of_every_model_is_described() -> None:
    undescribed = [
        f"{name}.{key}"
        for name, model in json_schema()["$defs"].items()
        for key, value in model.get("properties", {}).items()
        if "description" not in value and "$ref" not in value and key != "secret"
    ]
    assert undescribed == []


def test_it_is_json_and_refers_to_what_is_there() -> None:
    schema = json_schema()
    references = set[str]()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            references.update([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(json.loads(json.dumps(schema)))
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_steps_have_their_keys_as_they_are_written() -> None:
    assert {"if", "while", "for_each", "on_failure"} <= set(json_schema()["$defs"]["Step"]["properties"])
    assert "as" in json_schema()["$defs"]["ForEach"]["properties"]
    assert Step.model_validate({"if": None}).if_ is None
