"""What adjustment, quantiles and clusters do for every input, and what they say where there is nothing to say."""

from __future__ import annotations

import doctest
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats import adjustment, clustering, quantile
from holdfast.stats.adjustment import Adjustment, adjusted, post_stratified
from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group
from holdfast.stats.clustering import cluster_arm, cluster_arms
from holdfast.stats.contrast import Interval, difference, fieller_lift
from holdfast.stats.quantile import Quantile, Ranks, quantile_arm, ranks

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)
seeds = st.integers(min_value=0, max_value=10**6)
Array = npt.NDArray[Any]


def group(rows: Array) -> Group:
    return Group(len(rows), rows.mean(axis=0).tolist(), np.atleast_2d(np.cov(rows, rowvar=False)).tolist())


def variants(seed: int, *, k: int = 2, sizes: Sequence[int] = (60, 45, 80)) -> dict[str, Group]:
    """Variants a, b, c with an outcome and k covariates."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, n in zip("abc", sizes, strict=False):
        x = rng.gamma(2.0, 1.0, (n, k))
        found[name] = group(np.column_stack([x.sum(axis=1) + rng.exponential(2.0, n) + 3.0, x]))
    return found


def turned(given_groups: dict[str, Group], matrix: Array, shift: Array | None = None) -> dict[str, Group]:
    """The groups of linear combinations of their columns."""
    moved = np.zeros(len(matrix)) if shift is None else shift
    return {
        name: Group(
            one.n, (matrix @ one.mean + moved).tolist(), (matrix @ np.array(one.covariance) @ matrix.T).tolist()
        )
        for name, one in given_groups.items()
    }


def arm(value: Arm | NotEstimable) -> Arm:
    assert isinstance(value, Arm)
    return value


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def same(one: Adjustment, two: Adjustment, *, scale: float = 1.0, shift: float = 0.0, rel: float = 1e-9) -> None:
    """Both are the same, once the first one's outcome has been rescaled and shifted."""
    assert one.arms.keys() == two.arms.keys()
    for name in one.arms:
        first, second = arm(one.arms[name]), arm(two.arms[name])
        assert first.theta * scale + shift == pytest.approx(second.theta, rel=rel)
        assert first.variance * scale**2 == pytest.approx(second.variance, rel=rel)
        assert first.df == pytest.approx(second.df, rel=rel)
        assert one.explained[name] == pytest.approx(two.explained[name], rel=rel, abs=1e-12)
    for pair, value in one.covariances.items():
        assert value * scale**2 == pytest.approx(two.covariances[pair], rel=rel, abs=1e-12 * scale**2)


@pytest.mark.parametrize("module", [adjustment, clustering, quantile])
def test_examples_run(module: Any) -> None:
    failed, attempted = doctest.testmod(module)
    assert failed == 0
    assert attempted > 0


# Adjustment


@quiet
@given(seeds)
def test_units_of_a_covariate_change_nothing(seed: int) -> None:
    groups = variants(seed)
    plain = adjusted(groups, outcomes=1)
    same(plain, adjusted(turned(groups, np.diag([1.0, 1e6, 1e-7])), outcomes=1))
    mixed = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, -1.0, 1.0]])
    same(plain, adjusted(turned(groups, mixed), outcomes=1))


def test_a_large_offset_of_a_covariate_changes_nothing() -> None:
    """The means are whole multiples of 2^-20, so that a billion can be added to them without a rounding."""
    groups = {
        name: replace(one, mean=[round(mean * 2**20) / 2**20 for mean in one.mean]) for name, one in variants(5).items()
    }
    moved = turned(groups, np.eye(3), np.array([0.0, 1e9, -1e9]))
    same(adjusted(groups, outcomes=1), adjusted(moved, outcomes=1), rel=1e-12)


@quiet
@given(seeds, st.sampled_from([1e-8, 0.01, 150.0, 1e12]))
def test_the_outcome_may_be_in_any_unit(seed: int, scale: float) -> None:
    groups = variants(seed)
    other = turned(groups, np.diag([scale, 1.0, 1.0]), np.array([7.0 * scale, 0.0, 0.0]))
    same(adjusted(groups, outcomes=1), adjusted(other, outcomes=1), scale=scale, shift=7.0 * scale)


@quiet
@given(seeds)
def test_the_order_of_variants_changes_nothing(seed: int) -> None:
    groups = variants(seed)
    same(adjusted(groups, outcomes=1), adjusted(dict(reversed(groups.items())), outcomes=1))


@quiet
@given(seeds)
def test_covariances_belong_to_a_matrix_that_can_be(seed: int) -> None:
    """The variance of every contrast of the variants is above 0."""
    found = adjusted(variants(seed, sizes=(21, 25, 200)), outcomes=1)
    names = list(found.arms)
    matrix = [[arm(found.arms[a]).variance if a == c else found.covariances[a, c] for c in names] for a in names]
    assert np.linalg.eigvalsh(np.array(matrix)).min() > 0.0
    assert (np.array(matrix) == np.array(matrix).T).all()


@quiet
@given(seeds)
def test_lift_and_difference_give_one_verdict(seed: int) -> None:
    found = adjusted(variants(seed), outcomes=1)
    shared = found.covariances["b", "a"]
    b, a = arm(found.arms["b"]), arm(found.arms["a"])
    one = interval(difference(b, a, confidence=0.8, covariance=shared))
    two = interval(fieller_lift(b, a, confidence=0.8, covariance=shared))
    assert (one.lower > 0.0, one.upper < 0.0) == (two.lower > 0.0, two.upper < 0.0)
    assert two.p == one.p


def test_a_covariate_that_tells_much_makes_the_difference_more_precise() -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(2, 500, 1))
    groups = {name: group(np.hstack([2.0 * x[i] + rng.normal(size=(500, 1)), x[i]])) for i, name in enumerate("ab")}
    found = adjusted(groups, outcomes=1)
    plain = adjusted(turned(groups, np.array([[1.0, 0.0]])), outcomes=1)
    ours, raw = (
        interval(
            difference(arm(one.arms["a"]), arm(one.arms["b"]), confidence=0.9, covariance=one.covariances["a", "b"])
        )
        for one in (found, plain)
    )
    assert 0.75 < found.explained["a"] < 0.85
    assert ours.se == pytest.approx(raw.se * math.sqrt(1.0 - 0.8), rel=0.1)
    assert plain.covariances["a", "b"] == 0.0
    assert plain.explained == {"a": 0.0, "b": 0.0}


@quiet
@given(seeds)
def test_columns_that_say_nothing_new_are_left_out(seed: int) -> None:
    """A constant, a column that is another one in other units, and one that is the sum of two."""
    groups = variants(seed)
    more = np.array([[1.0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1e5, 0], [0, 0, 1], [0, 1, 1]])
    found = adjusted(turned(groups, more, np.array([0, 1e9, 0, 0, 0, 0])), outcomes=1)
    assert found.columns == (1, 3)
    assert found.left_out == {0: "constant", 2: "dependent", 4: "dependent"}
    same(found, adjusted(groups, outcomes=1))


def test_an_indicator_that_one_variant_never_has_is_left_out_for_all() -> None:
    rng = np.random.default_rng(12)
    rows = np.column_stack([rng.normal(size=(80, 2)), np.arange(80) % 40 == 0])
    found = adjusted({"a": group(rows), "b": group(rows[1:40])}, outcomes=1)
    assert (found.columns, found.left_out) == ((0,), {1: "constant"})


def test_few_units_afford_few_slopes() -> None:
    groups = variants(13, k=8, sizes=(21, 300))
    found = adjusted(groups, outcomes=1)
    assert found.columns == (0, 1, 2, 3, 4)
    assert set(found.left_out.values()) == {"too_few_units"}
    assert arm(found.arms["a"]).df == 21 - 1 - 5


def test_a_variant_of_few_units_keeps_its_mean_and_does_not_cost_the_others_their_slopes() -> None:
    groups = variants(14, sizes=(60, 45, 8))
    found = adjusted(groups, outcomes=1)
    assert found.unadjusted == ("c",)
    assert found.columns == (0, 1)
    small = arm(found.arms["c"])
    assert (small.theta, small.variance, small.df) == pytest.approx(
        (groups["c"].mean[0], groups["c"].covariance[0][0] / 8, 7.0), rel=1e-12
    )
    assert found.explained["c"] == 0.0
    assert found.explained["a"] > 0.1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (Group(0, [0.0, 0.0, 0.0], np.zeros((3, 3)).tolist()), "no_units"),
        (Group(1, [4.0, 0.0, 0.0], np.zeros((3, 3)).tolist()), "too_few_units"),
        (Group(50, [math.nan, 0.0, 0.0], np.eye(3).tolist()), "not_finite"),
        (Group(50, [1.0, math.inf, 0.0], np.eye(3).tolist()), "not_finite"),
        (Group(50, [1.0, 0.0, 0.0], np.full((3, 3), math.inf).tolist()), "not_finite"),
        (Group(50, [1.0, 0.0, 0.0], np.diag([1e308, 1.0, 1.0]).tolist()), "not_finite"),
    ],
)
def test_a_variant_that_cannot_be_estimated_leaves_the_others_alone(wrong: Group, code: str) -> None:
    groups = variants(15)
    found = adjusted(groups | {"w": wrong}, outcomes=1)
    assert reason(found.arms["w"]) == code
    assert not any("w" in pair for pair in found.covariances)
    if wrong.n < 50 or code != "not_finite" or not np.isfinite(wrong.covariance).all():
        same(adjusted(groups, outcomes=1), Adjustment(**_without(found, "w")))


def _without(found: Adjustment, name: str) -> dict[str, Any]:
    parts = {field: getattr(found, field) for field in Adjustment.__dataclass_fields__}
    return parts | {"arms": {key: value for key, value in found.arms.items() if key != name}}


def test_no_variant_at_all_is_no_estimate() -> None:
    assert adjusted({}, outcomes=1).arms == {}
    only = adjusted({"a": Group(0, [0.0], [[0.0]])}, outcomes=1)
    assert reason(only.arms["a"]) == "no_units"
    assert (only.covariances, only.explained, only.columns) == ({}, {}, ())


def test_values_that_do_not_vary_have_no_variance() -> None:
    flat = {name: Group(40, [3.0, float(i)], [[0.0, 0.0], [0.0, 1.0]]) for i, name in enumerate("ab")}
    found = adjusted(flat, outcomes=1)
    assert (arm(found.arms["a"]).theta, arm(found.arms["a"]).variance) == (3.0, 0.0)
    assert reason(difference(arm(found.arms["a"]), arm(found.arms["b"]), confidence=0.9)) == "zero_variance"


def test_an_outcome_that_is_its_covariate_leaves_no_residual() -> None:
    """The noise of rounding must not pass for an error: only the population's term is left."""
    covariance = [[4.0, 2.0], [2.0, 1.0 + 1e-16]]
    groups = {"a": Group(40, [3.0, 0.1], covariance), "b": Group(50, [3.3, 0.3], covariance)}
    found = adjusted(groups, outcomes=1)
    assert found.explained == {"a": pytest.approx(1.0), "b": pytest.approx(1.0)}
    assert arm(found.arms["a"]).variance == pytest.approx(found.covariances["a", "b"], rel=1e-9)


def test_a_billion_units_and_an_effect_whose_p_underflows() -> None:
    covariance = [[9.0, 6.0], [6.0, 8.0]]
    groups = {"a": Group(10**9, [10.0, 8.0], covariance), "b": Group(10**9, [11.0, 8.0], covariance)}
    found = adjusted(groups, outcomes=1)
    effect = interval(
        difference(arm(found.arms["b"]), arm(found.arms["a"]), confidence=0.95, covariance=found.covariances["a", "b"])
    )
    assert effect.se == pytest.approx(math.sqrt(2 * 4.5 / 1e9), rel=1e-8)
    assert effect.p == 0.0
    assert effect.log10_p < -1e6


def test_a_ratio_without_a_denominator() -> None:
    fine = Group(50, [4.0, 2.0, 1.0], np.eye(3).tolist())
    none = Group(50, [0.0, 0.0, 1.0], np.diag([0.0, 0.0, 1.0]).tolist())
    found = adjusted({"a": fine, "b": none}, outcomes=2)
    assert arm(found.arms["a"]).theta == pytest.approx(2.0)
    assert reason(found.arms["b"]) == "zero_denominator"


def test_input_that_cannot_be_is_refused() -> None:
    fine = Group(50, [4.0, 2.0], np.eye(2).tolist())
    with pytest.raises(ValueError, match="1 or 2 outcomes"):
        adjusted({"a": fine}, outcomes=3)
    with pytest.raises(ValueError, match="same outcomes and covariates"):
        adjusted({"a": fine, "b": Group(50, [4.0], [[1.0]])}, outcomes=1)
    with pytest.raises(ValueError, match="same outcomes and covariates"):
        adjusted({"a": Group(50, [4.0], [[1.0]])}, outcomes=2)
    with pytest.raises(ValueError, match="never negative"):
        adjusted({"a": replace(fine, n=-1)}, outcomes=1)
    with pytest.raises(ValueError, match="never negative"):
        adjusted({"a": replace(fine, covariance=[[-1.0, 0.0], [0.0, 1.0]])}, outcomes=1)


# Strata


@quiet
@given(seeds)
def test_strata_weigh_as_among_all_units(seed: int) -> None:
    """Against the formula in full, without covariates."""
    parts = {str(level): variants(seed + level, k=0, sizes=(9 + level, 30, 12)) for level in range(4)}
    found = post_stratified(parts, outcomes=1)
    sizes = {level: sum(one.n for one in groups.values()) for level, groups in parts.items()}
    total = sum(sizes.values())
    for name in "abc":
        expected = sum(sizes[level] / total * groups[name].mean[0] for level, groups in parts.items())
        assert arm(found.arms[name]).theta == pytest.approx(expected, rel=1e-12)
    assert found.strata == 4


def test_equal_strata_are_one() -> None:
    """Strata of the same moments: the same estimate as without them, and hardly another error."""
    one = variants(16, sizes=(400, 300))
    parts = {"x": one, "y": one}
    whole = adjusted({name: Group(2 * part.n, part.mean, part.covariance) for name, part in one.items()}, outcomes=1)
    found = post_stratified(parts, outcomes=1)
    for name in "ab":
        assert arm(found.arms[name]).theta == pytest.approx(arm(whole.arms[name]).theta, rel=1e-12)
        assert arm(found.arms[name]).variance == pytest.approx(arm(whole.arms[name]).variance, rel=0.01)
        assert arm(found.arms[name]).df == pytest.approx(arm(whole.arms[name]).df, rel=0.01)


def test_thin_strata_are_merged_into_the_smallest_other_one() -> None:
    def stratum(level: float, a: int, b: int) -> dict[str, Group]:
        return {"a": Group(a, [level], [[float(a > 1)]]), "b": Group(b, [level], [[float(b > 1)]])}

    parts = {"big": stratum(0.0, 50, 50), "small": stratum(10.0, 5, 5), "thin": stratum(20.0, 1, 6)}
    found = post_stratified(parts, outcomes=1)
    assert found.strata == 2
    # The small and the thin one are 17 of 117 units; there a has (5 x 10 + 20) / 6 and b (5 x 10 + 6 x 20) / 11.
    assert arm(found.arms["a"]).theta == pytest.approx(17 / 117 * 70 / 6)
    assert arm(found.arms["b"]).theta == pytest.approx(17 / 117 * 170 / 11)


def test_strata_that_are_all_thin_are_one() -> None:
    parts = {str(level): {"a": Group(1, [float(level)], [[0.0]])} for level in range(3)}
    parts |= {str(level): {"b": Group(1, [float(level)], [[0.0]])} for level in range(3, 6)}
    found = post_stratified(parts, outcomes=1)
    assert found.strata == 1
    assert (arm(found.arms["a"]).theta, arm(found.arms["b"]).theta) == (1.0, 4.0)
    assert arm(found.arms["a"]).variance == pytest.approx(1.0 / 3.0)


def test_a_stratum_without_units_is_none() -> None:
    parts = {"x": variants(17, sizes=(40, 50)), "y": {"a": Group(0, [0.0] * 3, np.zeros((3, 3)).tolist())}}
    found = post_stratified(parts, outcomes=1)
    assert found.strata == 1
    same(found, adjusted(parts["x"], outcomes=1))


def test_small_pairs_in_many_strata_have_the_error_of_their_differences() -> None:
    """Two units of each variant in 300 strata of different levels, against the spread of the 300 differences."""
    rng = np.random.default_rng(18)
    parts = {
        str(place): {name: group(rng.normal(size=(2, 1)) + level) for name in "ab"}
        for place, level in enumerate(5.0 * rng.random(300))
    }
    found = post_stratified(parts, outcomes=1)
    rows = np.array([[parts[str(level)][name].mean[0] for name in "ab"] for level in range(300)])
    gaps = rows[:, 0] - rows[:, 1]
    effect = interval(
        difference(arm(found.arms["a"]), arm(found.arms["b"]), confidence=0.9, covariance=found.covariances["a", "b"])
    )
    assert effect.estimate == pytest.approx(gaps.mean())
    assert effect.se == pytest.approx(gaps.std(ddof=1) / math.sqrt(300), rel=0.12)


# Quantiles


@pytest.mark.parametrize(("n", "q"), [(0, 0.5), (1, 0.5), (5, 0.5), (100, 0.99), (367, 0.99), (367, 0.01)])
def test_too_few_units_for_bounds(n: int, q: float) -> None:
    assert reason(ranks(n, q, 0.95)) == ("no_units" if n == 0 else "too_few_units")


def test_the_fewest_units_that_are_named_are_enough() -> None:
    for q, needed in ((0.5, 6), (0.99, 368), (0.01, 368), (0.9, 36)):
        assert f"take {needed}" in str(ranks(needed - 1, q, 0.95))
        found = ranks(needed, q, 0.95)
        assert isinstance(found, Ranks)
        assert 1 <= found.lower <= found.estimate <= found.upper <= needed


@quiet
@given(st.integers(1, 10**9), st.floats(0.001, 0.999), st.sampled_from([0.5, 0.9, 0.95, 0.9999]))
def test_ranks_are_in_order_and_cover(n: int, q: float, confidence: float) -> None:
    found = ranks(n, q, confidence)
    if isinstance(found, Ranks):
        assert 1 <= found.lower <= found.estimate <= found.upper <= n
        assert found.coverage >= confidence - 1e-12


def test_a_quantile_is_the_decimal_it_is_written_as() -> None:
    """0.07 x 100 is 7.000000000000001 in doubles; the 7th value is the quantile all the same."""
    found = ranks(100, 0.07, 0.8)
    assert isinstance(found, Ranks)
    assert found.estimate == 7


@pytest.mark.parametrize(("n", "q", "confidence"), [(-1, 0.5, 0.9), (9, 0.0, 0.9), (9, 1.0, 0.9), (9, 0.5, 1.0)])
def test_ranks_that_cannot_be(n: int, q: float, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"never negative|between 0 and 1|confidence"):
        ranks(n, q, confidence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        ranks(9, math.nan, 0.9)


def at_rank() -> Ranks:
    found = ranks(100, 0.5, 0.95)
    assert isinstance(found, Ranks)
    return found


def test_values_with_ties_take_the_longer_side() -> None:
    def se(lower: float, upper: float) -> float:
        found = quantile_arm(at_rank(), estimate=1.0, lower=lower, upper=upper)
        assert isinstance(found, Quantile)
        assert (found.lower, found.upper) == (lower, upper)
        return math.sqrt(found.arm.variance)

    assert se(0.0, 1.0) == pytest.approx(se(0.0, 2.0))
    assert se(1.0, 2.0) == pytest.approx(se(0.0, 2.0))
    assert se(1.0, 1.0) == 0.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1e308])
def test_values_that_are_not_finite(wrong: float) -> None:
    for values in ((wrong, 0.0, 2.0), (1.0, wrong, 2.0), (1.0, 0.0, wrong)):
        estimate, lower, upper = values
        if math.isfinite(wrong) and not lower <= estimate <= upper:
            continue
        assert reason(quantile_arm(at_rank(), estimate=estimate, lower=lower, upper=upper)) == "not_finite"


def test_values_that_are_not_in_order() -> None:
    with pytest.raises(ValueError, match="order"):
        quantile_arm(at_rank(), estimate=1.0, lower=2.0, upper=3.0)


# Clusters

clusters = st.lists(st.tuples(st.floats(-100.0, 100.0), st.integers(1, 500).map(float)), min_size=2, max_size=30)


@quiet
@given(clusters, st.sampled_from([1e-9, 0.37, 1e12]))
def test_units_of_value_and_size_change_only_the_scale(given_clusters: list[tuple[float, float]], scale: float) -> None:
    one = arm(cluster_arm(given_clusters))
    money = arm(cluster_arm([(r * scale, o) for r, o in given_clusters]))
    sizes = arm(cluster_arm([(r, o * scale) for r, o in given_clusters]))
    for other, factor in ((money, scale), (sizes, 1.0 / scale)):
        assert other.theta == pytest.approx(one.theta * factor, rel=1e-9, abs=1e-9 * factor)
        assert other.variance == pytest.approx(one.variance * factor**2, rel=1e-9)
        assert other.df == pytest.approx(one.df, rel=1e-9)


@quiet
@given(clusters)
def test_df_lie_between_0_and_the_clusters_less_one(given_clusters: list[tuple[float, float]]) -> None:
    found = arm(cluster_arm(given_clusters))
    assert 0.0 < found.df <= len(given_clusters) - 1 + 1e-9
    assert found.n == len(given_clusters)


@quiet
@given(clusters)
def test_a_cluster_without_units_and_value_changes_no_estimate(given_clusters: list[tuple[float, float]]) -> None:
    one, two = arm(cluster_arm(given_clusters)), arm(cluster_arm([*given_clusters, (0.0, 0.0)]))
    assert (two.theta, two.variance, two.df) == pytest.approx((one.theta, one.variance, one.df), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("sums", "code"),
    [
        ([], "no_units"),
        ([(4.0, 2.0)], "too_few_clusters"),
        ([(4.0, 2.0), (0.0, 0.0)], "too_few_clusters"),
        ([(4.0, 1e300), (1.0, 1e-300)], "too_few_clusters"),
        ([(0.0, 0.0), (0.0, 0.0)], "zero_denominator"),
        ([(4.0, 2.0), (4.0, -1.0)], "zero_denominator"),
        ([(4.0, 2.0), (math.nan, 1.0)], "not_finite"),
        ([(4.0, 2.0), (4.0, math.inf)], "not_finite"),
        ([(1e300, 1.0), (-1e300, 1.0)], "not_finite"),
        ([(1e300, 1e-300), (1e300, 1e-300)], "not_finite"),
    ],
)
def test_clusters_without_an_estimate(sums: list[tuple[float, float]], code: str) -> None:
    assert reason(cluster_arm(sums)) == code
    found = cluster_arms({"bad": sums, "good": [(4.0, 2.0), (5.0, 2.0)]})
    assert reason(found["bad"]) == code
    assert arm(found["good"]).theta == 2.25


def test_clusters_that_are_all_alike_have_no_variance() -> None:
    assert arm(cluster_arm([(0.3, 3.0), (0.7, 7.0), (0.1, 1.0)])).variance == 0.0
    assert arm(cluster_arm([(0.0, 3.0), (0.0, 7.0)])).variance == 0.0
