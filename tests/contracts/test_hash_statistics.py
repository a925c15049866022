"""The assignment hash draws like chance: evenly, and independently for every salt and purpose, whatever the ids.

Two sorts of tests. The first look at one salt and one p-value each, above 0.001. The others draw the same units with
100 salts and ask more: with a fair draw the p-values themselves are uniform, so neither too many small ones (uneven)
nor too many large ones (more even than chance) may occur. Kolmogorov and Smirnov's test judges that, with the limit
0.0001 (`LIMIT`): chance alone would fail one such test in ten thousand, and one of the 23 here in about 400.
The ids and salts are fixed and the hash is a function, so that a test that passes once passes for ever, or the hash
has changed. The last tests prove that the judge fails what it should: weak hashes, and a draw that is used twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from holdfast import hashing
from holdfast.warehouse import dialects

SPACE = 2**52


def chi_square(table: np.ndarray[Any, Any]) -> float:
    return float(stats.chi2_contingency(table, correction=False).pvalue)


UNITS = range(30_000)


def buckets(salt: str, purpose: hashing.Purpose, parts: int, name: str = "customer-{}") -> np.ndarray[Any, Any]:
    values = [hashing.bucket(salt, purpose, name.format(unit)) for unit in UNITS]
    return np.array(values, dtype=np.int64) * parts // SPACE if parts < 2**10 else np.array(values)


@pytest.mark.parametrize("name", ["{}", "customer-{}", "顧客{}", "00000000-0000-0000-0000-{:012d}"])
def test_consecutive_ids_are_spread_evenly(name: str) -> None:
    counts = np.bincount(buckets("uniform-1", "variant", 64, name), minlength=64)
    assert stats.chisquare(counts).pvalue > 0.001
    # The low bits are as good as the high ones.
    low = np.bincount(buckets("uniform-1", "variant", 2**20, name) % 64, minlength=64)
    assert stats.chisquare(low).pvalue > 0.001


def crossed(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.bincount(one * 8 + other, minlength=64).reshape(8, 8)


def test_two_salts_draw_independently() -> None:
    """Neighbouring salts of one slug, and salts that are prefixes of one another."""
    base = buckets("winback-1", "variant", 8)
    for salt in ("winback-2", "winback-11", "winback", "onboarding-1"):
        assert chi_square(crossed(base, buckets(salt, "variant", 8))) > 0.001


def test_purposes_draw_independently() -> None:
    purposes: list[hashing.Purpose] = ["traffic", "variant", "slot", "holdout"]
    drawn = [buckets("winback-1", purpose, 8) for purpose in purposes]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert chi_square(crossed(one, other)) > 0.001


def test_a_small_share_of_traffic_is_split_as_planned() -> None:
    weights = {"control": 40, "mail": 30, "push": 20, "voucher": 10}
    found = [hashing.variant_of("small-1", unit, weights, "0.1") for unit in UNITS]
    inside = [variant for variant in found if variant]
    counts = [inside.count(key) for key in weights]
    assert stats.binomtest(len(inside), len(found), 0.1).pvalue > 0.001
    assert stats.chisquare(counts, np.array([0.4, 0.3, 0.2, 0.1]) * len(inside)).pvalue > 0.001


SALTS = [f"trial-{number}" for number in range(1, 101)]
"""Numbered, as people number them: they differ in one character."""
COUNT = 8_000
LIMIT = 1e-4

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def kinds_of_ids() -> dict[str, list[str]]:
    """Ids as shops have them."""
    random = np.random.default_rng(20261)
    names = ["anna", "ben", "chiyo", "dmitri", "eve", "femi", "gül", "hana"]
    hosts = ["example.com", "example.org", "mail.example.net"]
    return {
        "sequential": [str(number) for number in range(1, COUNT + 1)],
        "uuid": [str(UUID(bytes=random.bytes(16), version=4)) for _ in range(COUNT)],
        "e-mail": [f"{names[n % 8]}.{n // 8}@{hosts[n % 3]}" for n in range(COUNT)],
        "common prefix": [f"urn:shop:eu-west-1:production:customer:{number:012d}" for number in range(COUNT)],
    }


IDS = kinds_of_ids()


@pytest.fixture(scope="module")
def draw() -> Iterator[Callable[[str, hashing.Purpose], Numbers]]:
    """The hashes of a kind of ids for a purpose by the product in the engine: one row a salt."""
    backend = ibis.duckdb.connect()
    salts = ibis.memtable(pa.table({"number": range(len(SALTS)), "salt": SALTS}))
    kept: dict[tuple[str, hashing.Purpose], Numbers] = {}

    def drawn(kind: str, purpose: hashing.Purpose) -> Numbers:
        if (kind, purpose) not in kept:
            units = ibis.memtable(pa.table({"place": range(COUNT), "unit": IDS[kind]}))
            pairs = salts.cross_join(units)
            hashed = dialects.bucket(pairs.salt + f":{purpose}:" + pairs.unit)
            found = backend.to_pyarrow(pairs.select("number", "place", h=hashed))
            kept[kind, purpose] = np.empty((len(SALTS), COUNT), dtype=np.int64)
            kept[kind, purpose][found["number"].to_numpy(), found["place"].to_numpy()] = found["h"].to_numpy()
        return kept[kind, purpose]

    yield drawn
    backend.disconnect()


def are_uniform(p_values: list[float]) -> float:
    """The p-value of the hypothesis that p-values are uniform, as they are when nothing is wrong."""
    return float(stats.kstest(p_values, "uniform").pvalue)


def evenness(hashes: Numbers, parts: int = 40) -> list[float]:
    """For each salt the p-value of equal counts in equal parts of the hash space."""
    return [float(stats.chisquare(np.bincount(row * parts // SPACE, minlength=parts)).pvalue) for row in hashes]


def independence(one: Numbers, other: Numbers, parts: int = 6) -> list[float]:
    """For each row the p-value of independence of two draws of the same units, in equal parts of the hash space."""
    cells = (one * parts // SPACE) * parts + other * parts // SPACE
    counts = (np.bincount(row, minlength=parts**2).reshape(parts, parts) for row in cells)
    return [chi_square(table) for table in counts]


def split(hashes: Numbers, weights: Mapping[str, int]) -> list[float]:
    """For each salt the p-value of the weights, given how many units each variant got."""
    limits = [limit for _, limit in hashing.variant_limits(weights)]
    planned = np.array(list(weights.values())) / sum(weights.values())
    found = []
    for row in hashes:
        counts = np.bincount(np.searchsorted(limits, row, side="right"), minlength=len(limits))
        found.append(float(stats.chisquare(counts, planned * counts.sum()).pvalue))
    return found


def neighbours(hashes: Numbers) -> list[float]:
    """The p-values of independence of the first salt and the second, the third and the fourth, and so on."""
    return independence(hashes[::2], hashes[1::2])


@pytest.mark.parametrize("kind", IDS)
def test_every_kind_of_id_is_spread_evenly_by_every_salt(kind: str, draw: Any) -> None:
    assert are_uniform(evenness(draw(kind, "variant"))) > LIMIT


@pytest.mark.parametrize("kind", IDS)
def test_neighbouring_salts_draw_independently(kind: str, draw: Any) -> None:
    assert are_uniform(neighbours(draw(kind, "variant"))) > LIMIT


def test_no_two_of_all_salts_are_correlated(draw: Any) -> None:
    """All 4,950 pairs: the largest correlation of hashes is one that chance gives (normal, variance 1 / n)."""
    ranks = draw("sequential", "variant").astype(float)
    correlations = np.corrcoef(ranks)[np.triu_indices(len(SALTS), k=1)]
    assert len(correlations) == 4950
    z = correlations * np.sqrt(COUNT)
    assert stats.kstest(z, "norm").pvalue > LIMIT
    assert stats.norm.sf(np.abs(z).max()) * 2 * len(z) > LIMIT


@pytest.mark.parametrize("kind", IDS)
def test_the_variant_does_not_depend_on_who_takes_part(kind: str, draw: Any) -> None:
    assert are_uniform(independence(draw(kind, "variant"), draw(kind, "traffic"))) > LIMIT


@pytest.mark.parametrize("purpose", ["slot", "holdout"])
def test_the_variant_does_not_depend_on_slot_or_holdout(purpose: hashing.Purpose, draw: Any) -> None:
    """Even with one salt for all of them."""
    assert are_uniform(independence(draw("sequential", "variant"), draw("sequential", purpose))) > LIMIT


def test_slots_and_holdouts_are_drawn_independently(draw: Any) -> None:
    assert are_uniform(independence(draw("sequential", "slot"), draw("sequential", "holdout"))) > LIMIT


WEIGHTS = [{"control": 1, "treated": 1}, {"control": 90, "treated": 10}, {"control": 1, "mail": 2, "push": 3}]


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda weights: ":".join(map(str, weights.values())))
def test_units_are_split_by_the_weights(weights: dict[str, int], draw: Any) -> None:
    assert are_uniform(split(draw("e-mail", "variant"), weights)) > LIMIT


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda weights: ":".join(map(str, weights.values())))
def test_units_within_the_traffic_are_split_by_the_weights(weights: dict[str, int], draw: Any) -> None:
    """A fifth of the units takes part, and as many of them as planned over all salts (within four standard errors)."""
    inside = draw("e-mail", "traffic") < hashing.share_limit("0.2")
    chosen = [row[keep] for row, keep in zip(draw("e-mail", "variant"), inside, strict=True)]
    assert are_uniform([split(np.array([row]), weights)[0] for row in chosen]) > LIMIT
    assert abs(sum(map(len, chosen)) / (COUNT * len(SALTS)) - 0.2) < 4 * (0.16 / (COUNT * len(SALTS))) ** 0.5


def crc(salt: str, unit: str) -> int:
    return zlib.crc32(f"{salt}:variant:{unit}".encode()) << 20


def weak(hashed: Callable[[str, str], int], kind: str) -> Numbers:
    return np.array([[hashed(salt, unit) for unit in IDS[kind][:4000]] for salt in SALTS[:40]])


def test_a_cyclic_redundancy_check_is_caught() -> None:
    """It is linear: another salt adds a constant to every unit's number, so that two salts agree on everything."""
    assert are_uniform(neighbours(weak(crc, "common prefix"))) < 1e-12


def test_dealing_in_turn_is_caught() -> None:
    """Too even: every p-value is 1."""
    dealt = np.array([[(int(unit) + k) % 40 * (SPACE // 40) for unit in IDS["sequential"]] for k in range(40)])
    assert are_uniform(evenness(dealt)) < 1e-12


def test_one_draw_for_two_purposes_is_caught(draw: Any) -> None:
    assert are_uniform(independence(draw("uuid", "variant"), draw("uuid", "variant"))) < 1e-12


def test_a_percent_too_many_is_caught(draw: Any) -> None:
    """51 : 49 where 50 : 50 was planned."""
    assert are_uniform(split(draw("e-mail", "variant") * 50 // 51, WEIGHTS[0])) < 1e-12


def test_the_engines_own_hash_is_caught() -> None:
    """DuckDB's hash(id, salt), the obvious way to do it there: two salts do not draw independently."""
    with duckdb.connect() as connection:
        connection.register("units", pa.table({"place": range(COUNT), "unit": range(COUNT)}))
        rows = [
            connection.execute("SELECT (hash(unit, ?) >> 12)::BIGINT AS h FROM units ORDER BY place", [salt])
            .fetchnumpy()["h"]
            .astype(np.int64)
            for salt in SALTS
        ]
    assert are_uniform(neighbours(np.array(rows))) < 1e-12
