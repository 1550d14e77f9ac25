"""Every shard has one owner among the members, and no more changes hands than must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.hosts.kubernetes.shards import SHARDS, Standing, owner_of, shard_of, shards_of

names = st.text("abcdefgh-0123456789", min_size=1, max_size=20)
members = st.sets(names, min_size=1, max_size=8)


@given(members)
def test_every_shard_has_one_owner(group: set[str]) -> None:
    shares = [shards_of(member, group) for member in group]
    assert sorted(shard for share in shares for shard in share) == list(range(SHARDS))


@given(members, st.randoms(use_true_random=False))
def test_all_who_see_the_same_members_agree_in_whatever_order_they_see_them(
    group: set[str], chance: object
) -> None:
    ordered = sorted(group)
    assert [owner_of(shard, ordered) for shard in range(SHARDS)] == [
        owner_of(shard, ordered[::-1]) for shard in range(SHARDS)
    ]


@given(members, names)
def test_whoever_joins_takes_only_what_becomes_its_own(group: set[str], newcomer: str) -> None:
    after = group | {newcomer}
    for shard in range(SHARDS):
        assert owner_of(shard, after) in {owner_of(shard, group), newcomer}


@given(members, st.data())
def test_whoever_leaves_gives_away_only_what_it_had(group: set[str], data: st.DataObject) -> None:
    leaver = data.draw(st.sampled_from(sorted(group)))
    before = {member: shards_of(member, group) for member in group - {leaver}}
    for member, share in before.items():
        assert share <= shards_of(member, group - {leaver})


def test_nobody_owns_anything_where_nobody_is() -> None:
    assert owner_of(0, ()) is None


@pytest.mark.parametrize("number", [2, 3, 5])
def test_members_have_about_as_much_as_each_other(number: int) -> None:
    group = [
        f"wfe-operator-6d5f7c9b8-{suffix}"
        for suffix in ("x2x4k", "9qzlm", "hh7wd", "b5c2p", "tt0aa")[:number]
    ]
    sizes = [len(shards_of(member, group)) for member in group]
    assert min(sizes) > 0.6 * SHARDS / number
    assert max(sizes) < 1.4 * SHARDS / number


def test_roots_are_spread_over_the_shards() -> None:
    found = {shard_of(f"uid-{number}") for number in range(20 * SHARDS)}
    assert found == set(range(SHARDS))


def test_replicas_of_several_versions_agree() -> None:
    assert [shard_of(root) for root in ("a", "b", "5c1f0a3e-0000-4000-8000-000000000001")] == [202, 74, 242]
    assert [owner_of(shard, ("a", "b", "c")) for shard in range(8)] == list("acbacbaa")


@pytest.mark.parametrize(
    ("now", "works"),
    [
        pytest.param(9.9, False, id="others-may-not-know-yet"),
        pytest.param(10.0, True, id="settled"),
        pytest.param(19.9, True, id="sure"),
        pytest.param(20.0, False, id="no-longer-sure"),
    ],
)
def test_a_member_works_while_it_is_settled_and_sure(now: float, works: bool) -> None:
    share = frozenset({1, 2})
    standing = Standing(share, sure_until=20.0, settled_at=10.0)
    assert standing.worked(now) == (share if works else frozenset())
