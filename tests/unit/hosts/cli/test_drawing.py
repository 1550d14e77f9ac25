import xml.etree.ElementTree as ET

import pytest

from tests.unit.engine import nodes as n
from wfe.graph.graph import Graph
from wfe.hosts.cli.drawing import FORMATS, diagram_of


def a_graph() -> Graph:
    return n.graph(
        n.task('fetch "it" <now>', on_failure=n.task("tell")),
        n.par("both", n.task("left"), n.task("right")),
        n.each("all", [1, 2], n.task("body")),
        n.switch("kind", ".kind", {"a": [n.task("on-a")]}, [n.task("otherwise")]),
        n.saga("trip", n.task("book", compensate=n.task("unbook"))),
    )


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_names_every_step(format_: str) -> None:
    drawn = FORMATS[format_](diagram_of(a_graph()))

    names = [
        "tell",
        "both",
        "left",
        "right",
        "all",
        "body",
        "kind",
        "on-a",
        "otherwise",
        "trip",
        "book",
        "unbook",
    ]
    assert [name for name in names if name not in drawn] == []


def test_parallel_branches_part_and_meet() -> None:
    diagram = diagram_of(n.graph(n.par("both", n.task("left"), n.task("right"))))
    label = {box.id: box.label.partition("\n")[0] or "join" for box in diagram.boxes}

    assert [(label[arrow.source], label[arrow.target]) for arrow in diagram.arrows] == [
        ("start", "both"),
        ("both", "left"),
        ("both", "right"),
        ("left", "join"),
        ("right", "join"),
        ("join", "end"),
    ]


def test_a_loop_leads_back() -> None:
    diagram = diagram_of(n.graph(n.each("all", [1], n.task("body"))))

    assert [arrow.back for arrow in diagram.arrows] == [False, False, True, False]


def test_mermaid_escapes_what_it_would_read_as_its_own() -> None:
    drawn = FORMATS["mermaid"](diagram_of(a_graph()))

    assert '["fetch #quot;it#quot; #lt;now#gt;<br/>shell"]' in drawn


def test_svg_is_well_formed_and_no_boxes_overlap() -> None:
    root = ET.fromstring(FORMATS["svg"](diagram_of(a_graph())))  # noqa: S314  # we wrote it

    corners = [(box.get("x"), box.get("y")) for box in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(corners) == len(set(corners))


def test_an_outline_shows_what_leads_to_a_step() -> None:
    drawn = FORMATS["text"](diagram_of(a_graph()))

    assert "    a: on-a  [shell]\n    else: otherwise  [shell]\n" in drawn
    assert "    compensate: unbook" in drawn
