from tests.unit.engine.nodes import graph, task

from wfe.testing.simulation import Does, Scenario

SCENARIOS = [
    Scenario(name="two steps", graph=graph(task("a"), task("b")), script={"a": Does(outputs={"x": 1})})
]
