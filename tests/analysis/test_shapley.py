"""Shapley values: what makes them a fair account, exact and drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis import shapley

pytestmark = pytest.mark.unit


def game(seed: int, *, spread: float = 10.0):
    """A game in which every coalition has a worth of its own; nothing is additive."""

    def worth(coalition: frozenset[int]) -> float:
        code = sum(1 << player for player in coalition)
        return float(np.random.default_rng([seed, code]).normal(0, spread))

    return worth


def total(found: dict[int, shapley.Share]) -> float:
    return sum(share.value for share in found.values())


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 60), max_size=7))
def test_contributions_sum_to_the_difference(seed, players):
    worth = game(seed)
    found = shapley.shares(players, worth)
    assert abs(total(found) - (worth(frozenset(players)) - worth(frozenset()))) < 1e-9
    assert set(found) == players
    assert all(share.half == 0 for share in found.values())


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 60), min_size=11, max_size=16))
def test_drawn_ones_sum_to_it_as_well(seed, players):
    worth = game(seed)
    found = shapley.shares(players, worth, pairs=8)
    assert abs(total(found) - (worth(frozenset(players)) - worth(frozenset()))) < 1e-9
    assert all(share.half > 0 for share in found.values())


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(2, 6), st.permutations(range(6)))
def test_nobody_gains_by_being_named_first(seed, number, order):
    players = [player for player in order if player < number]
    worth = game(seed)
    assert shapley.shares(players, worth) == shapley.shares(range(number), worth)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.permutations(range(12)))
def test_nor_where_orders_are_drawn(seed, order):
    assert shapley.shares(order, game(seed), pairs=3) == shapley.shares(range(12), game(seed), pairs=3)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(3, 13))
def test_who_changes_nothing_gets_nothing(seed, number):
    worth = game(seed)
    found = shapley.shares(range(number), lambda coalition: worth(coalition - {1}), pairs=4)
    assert (found[1].value, found[1].half) == (0.0, 0.0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(3, 8))
def test_who_does_the_same_gets_the_same(seed, number):
    worth = game(seed)

    def alike(coalition: frozenset[int]) -> float:
        """Players 0 and 1 are interchangeable: only how many of them are in counts."""
        twins = len(coalition & {0, 1})
        return float(worth(frozenset({one + 10 for one in coalition - {0, 1}}) | frozenset(range(twins))))

    found = shapley.shares(range(number), alike)
    assert abs(found[0].value - found[1].value) < 1e-9


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=14))
def test_where_each_adds_its_own_that_is_what_it_gets(own):
    found = shapley.shares(range(len(own)), lambda made: sum(own[player] for player in made), pairs=4)
    assert [share.value for share in found.values()] == pytest.approx(own, abs=1e-9)


def test_two_that_cover_for_one_another_share_alike():
    """One incident that either of two catches: leaving one out loses nothing, yet half is due to each."""
    found = shapley.shares([1, 2], lambda coalition: float(bool(coalition)))
    assert (found[1].value, found[2].value) == (0.5, 0.5)


def test_intervals_of_draws_hold_the_exact_value():
    """Eleven players are drawn; their exact values by all coalitions. About one in twenty may lie outside."""
    worth = game(5)
    drawn = shapley.shares(range(11), worth)
    limit, shapley.EXACT_UP_TO = shapley.EXACT_UP_TO, 11
    try:
        exact = shapley.shares(range(11), worth)
    finally:
        shapley.EXACT_UP_TO = limit
    outside = [p for p in range(11) if abs(drawn[p].value - exact[p].value) > drawn[p].half]
    assert len(outside) <= 2


def test_each_coalition_is_asked_once():
    asked: list[frozenset[int]] = []

    def worth(coalition: frozenset[int]) -> float:
        asked.append(coalition)
        return 0.0

    shapley.shares(range(6), worth)
    assert len(asked) == len(set(asked)) == 64


def test_without_players_there_is_nothing_to_share():
    assert shapley.shares([], lambda _: 1.0) == {}


def test_the_interval_of_a_sum_over_blocks_covers():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(1_000):
        low, high = shapley.over_blocks(random.normal(0.3, 1.0, 15).tolist()) or (0.0, 0.0)
        covered += low <= 15 * 0.3 <= high
    assert covered >= 930


def test_one_block_has_no_interval():
    assert shapley.over_blocks([3.0]) is None
    assert shapley.over_blocks([]) is None
    assert shapley.smallest_over_blocks([3.0]) is None


def test_the_smallest_sum_that_is_found_is_found_that_often():
    random = np.random.default_rng(4)
    smallest = shapley.smallest_over_blocks(random.normal(0, 1.0, 20).tolist())
    assert smallest is not None
    spread = smallest / (2.093 + 0.8416) / np.sqrt(20)
    found = 0
    for _ in range(1_000):
        low, _ = shapley.over_blocks(random.normal(smallest / 20, spread, 20).tolist()) or (0.0, 0.0)
        found += low > 0
    assert 740 <= found <= 860
