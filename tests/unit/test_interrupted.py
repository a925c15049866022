"""Ctrl-C while an engine works is an interruption, under whatever name the engine tells it."""

from __future__ import annotations

import _thread
import threading
import time

import ibis
import pytest

from holdfast.warehouse.engine import Engine
from holdfast.warehouse.faults import refused

LONG = "SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(1000) b"


@pytest.mark.parametrize("_", range(5))
def test_a_statement_that_is_broken_off_is_an_interruption(_: int) -> None:
    """DuckDB itself, broken off as Ctrl-C does it: by the signal's handler in the main thread. The connection closes at
    once; without a word to stop it, closing took minutes in some cases."""
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    start = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        Engine(ibis.duckdb.connect(), {}) as engine,
        refused("a long statement"),
    ):
        engine.backend.con.execute(LONG).fetchall()
    timer.cancel()
    assert time.monotonic() - start < 20  # of minutes that the statement takes


def test_its_own_word_for_it_too() -> None:
    with pytest.raises(KeyboardInterrupt), refused("a statement"):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="something else"), refused("a statement"):
        raise RuntimeError("something else")
