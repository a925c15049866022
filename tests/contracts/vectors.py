"""The published vectors of the assignment hash, hash_v1.csv, as rows. test_hash_vectors.py says what they mean."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

VECTORS = Path(__file__).parent / "hash_v1.csv"


class Vector(NamedTuple):
    salt: str
    id: str
    traffic: str
    weights: str
    h_traffic: str
    h_variant: str
    variant: str

    @property
    def shares(self) -> dict[str, int]:
        return {key: int(weight) for key, weight in (pair.split(":") for pair in self.weights.split(";"))}


def read_vectors() -> list[Vector]:
    with VECTORS.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        assert tuple(next(rows)) == Vector._fields
        return [Vector(*row) for row in rows]


ROWS = read_vectors()
