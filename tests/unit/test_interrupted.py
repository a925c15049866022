"""Ctrl-C while an engine works is an interruption, under whatever name the engine tells it."""

from __future__ import annotations

import _thread
import threading

import duckdb
import pytest

from holdfast.warehouse.faults import refused


def test_a_statement_that_is_broken_off_is_an_interruption() -> None:
    """DuckDB itself, broken off as Ctrl-C does it: by the signal's handler in the main thread."""
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt), refused("a long statement"):
        duckdb.connect().execute("SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(1000) b").fetchall()
    timer.cancel()


def test_its_own_word_for_it_too() -> None:
    with pytest.raises(KeyboardInterrupt), refused("a statement"):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="something else"), refused("a statement"):
        raise RuntimeError("something else")
