"""What all tests have: the ``world`` fixture for ranks in this process, and ``mpi_launches.py`` for real ones.

``world`` runs a body on one rank and on two and three threads, through the ``run_ranks`` of production::

    def test_sum(world):
        assert world.run(lambda comm: comm.exchange_objects(comm.rank)) == [list(range(world.size))] * world.size

A test marked ``@pytest.mark.mpi(min_size=N)``, with the fixture ``comm``, runs under ``mpirun``.
"""

from __future__ import annotations

import pytest

from worlds import World

pytest_plugins = ("mpi_launches",)


@pytest.fixture(params=["local", "threads:2", "threads:3"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)
