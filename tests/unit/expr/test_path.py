import pytest

from tests.unit.expr.seen import Seen
from wfe.expr.names import MISSING
from wfe.expr.path import lookup
from wfe.model.json import Json

SEEN = Seen(
    data={"a": {"b": [10, {"c": None}], "0": "zero"}, "n": 1, "var": "data", "inputs": "kept"},
    variables={"n": 2, "v": {"x": 3}},
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(".a.b.0", 10, id="a-number-is-a-position-in-a-list"),
        pytest.param("a.b.1.c", None, id="null-is-found-and-the-leading-dot-is-optional"),
        pytest.param(".a.0", "zero", id="a-number-is-a-key-of-an-object"),
        pytest.param(".inputs.n", 1, id="a-leading-inputs-is-dropped"),
        pytest.param(".outputs.a.b.0", 10, id="a-leading-outputs-is-dropped"),
        pytest.param(".inputs", "kept", id="alone-it-is-a-name"),
        pytest.param(".n", 1, id="data-wins-over-a-variable"),
        pytest.param(".var.n", 2, id="var-looks-in-variables-only"),
        pytest.param(".var", "data", id="var-alone-is-a-name"),
        pytest.param(".v.x", 3, id="a-variable-needs-no-var"),
        pytest.param(".var.a", MISSING, id="var-never-looks-in-the-data"),
        pytest.param(".a.b.2", MISSING, id="past-the-end-of-a-list"),
        pytest.param(".a.b.-1", MISSING, id="no-position-from-the-end"),
        pytest.param(".n.x", MISSING, id="inside-a-scalar"),
        pytest.param("", MISSING, id="an-empty-path"),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(path: str, expected: Json) -> None:
    assert lookup(SEEN, path) == expected
