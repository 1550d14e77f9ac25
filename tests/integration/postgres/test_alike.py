"""Whatever is asked for at once, Postgres in its groups answers as memory does one by one.

Between different kinds of writes that are asked for at once it promises no order, so those come one after another.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contract.postgres_schema import url_of_postgres
from tests.unit.providers.test_alike import Ask, answers, creating, deleting, ids, posting, saving
from wfe import providers
from wfe.model.status import InstanceStatus
from wfe.providers.memory import MemoryStore

pytestmark = pytest.mark.integration

decisions = st.one_of(
    st.builds(creating, ids, st.integers(0, 9)),
    st.builds(saving, ids, st.integers(1, 4), st.integers(0, 9), st.sampled_from(InstanceStatus)),
)
posts = st.builds(posting, ids, st.text("rs", max_size=2))
turns = st.one_of(
    st.lists(decisions, min_size=1, max_size=8),
    st.lists(posts, min_size=1, max_size=3),
    st.lists(st.builds(deleting, ids), min_size=1, max_size=1),
)


@settings(max_examples=25, deadline=None)
@example([[saving("a", 1, 0, InstanceStatus.PENDING), creating("a", 0), creating("c", 0)]])
@given(st.lists(turns, max_size=8))
def test_postgres_answers_as_memory_does(turns: list[list[Ask]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = providers.find(url_of_postgres(Path(directory))).store
        assert store
        ours = asyncio.run(answers(store, turns))
    assert ours == asyncio.run(answers(MemoryStore(), turns))
