"""Recipes over characters: runs that overlap where they are judged, what there is to beat, and the network."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.recipes.shakespeare import char, gpt

RECIPES = [(char, char.ShakespeareChar), (gpt, gpt.ShakespeareGpt)]


@pytest.mark.parametrize(("recipe", "config"), RECIPES)
def test_every_character_that_is_judged_has_half_a_run_before_it(recipe: Any, config: Any) -> None:
    task = recipe.build(config(model=recipe.Model(length=20)))
    x, y = task.train.batch(np.arange(len(task.train)))
    assert x.shape == y.shape
    assert x.shape[1] == 20
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    assert task.valid is not None
    _, y = task.valid.batch(np.arange(len(task.valid)))
    assert (y[:, :10] == -1).all()
    assert (y[:, 10:] > 0).all()


def test_with_a_carried_state_runs_go_on_in_their_play() -> None:
    """Each stream's runs join up to text, but where a play ends."""
    plays = data.corpus(data.plays(), data.characters, min_count=1).train
    task = char.build(char.ShakespeareChar(model=char.Model(length=500, carry=True)))
    assert isinstance(task.train, data.Streams)
    assert (task.train.streams, task.model.declarations()["carried.after"].shape) == (32, (32,))
    rows = np.arange(len(task.train))
    x, y, streams, pieces = task.train.batch(rows)
    np.testing.assert_array_equal(x, data.sequences(plays, 500)[0])
    follows = (streams[1:] == streams[:-1]) & (pieces[1:] == pieces[:-1] + 1)
    assert (x[1:, 0] == y[:-1, -1])[follows].all()
    ends = np.cumsum([(len(play) - 1) // 500 for play in plays])[:-1]
    firsts = np.flatnonzero(np.diff(streams)) + 1
    np.testing.assert_array_equal(np.flatnonzero(~follows) + 1, np.union1d(ends, firsts))


def test_held_out_runs_may_be_longer() -> None:
    task = char.build(char.ShakespeareChar(model=char.Model(length=20, held_out_length=50)))
    assert task.valid is not None
    x, y = task.valid.batch(np.arange(len(task.valid)))
    assert x.shape[1] == 50
    assert (y[:, :25] == -1).all()
    assert (y[:, 25:] > 0).all()
    assert task.train.batch(np.arange(2))[0].shape == (2, 20)


@pytest.mark.parametrize(("recipe", "config"), RECIPES)
def test_it_says_what_there_is_to_beat(recipe: Any, config: Any) -> None:
    found = re.search(
        r"(\d+) characters; to beat: 5-grams \(Kneser-Ney\) with (\d\.\d+) bits", recipe.build(config()).about
    )
    assert found
    assert int(found[1]) == len(set("".join(data.plays().values()))) + 1
    assert 2 < float(found[2]) < 4


def test_the_network_is_the_one_of_the_section() -> None:
    model = char.build(char.ShakespeareChar(model=char.Model(cell="gru", hidden=5, layers=2, embedding=3))).model
    shapes = {name: d.shape for name, d in model.declarations().items()}
    assert shapes["recurrent.weight_hh_l1"] == (5, 15)
    assert shapes["recurrent.weight_ih_l0"] == (3, 15)
    model = gpt.build(gpt.ShakespeareGpt(model=gpt.Model(length=9, width=8, layers=1, heads=2))).model
    assert model.declarations()["positions.weight"].shape == (9, 8)
