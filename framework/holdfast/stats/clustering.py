"""Variants whose clusters (households, stores) were assigned as one, few of them: from the sums of each cluster."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm

_ROUNDING = 1e-26
"""A mean square of clusters' deviations below this share of their sums' is rounding noise, thus zero."""


def cluster_arm(clusters: Sequence[tuple[float, float]]) -> Arm | NotEstimable:
    """The mean (or ratio) of one variant, with an error from how its clusters differ, right also for a few of them.

    Args:
        clusters: for each cluster (sum of the value or numerator, number of units or sum of the denominator).

    Formula: R = sum r_g / sum o_g; with h_g = o_g / sum o, the share of cluster g,
    V = sum (r_g - R o_g)^2 / (1 - h_g) / (sum o)^2, which is the CR2 variance of the regression on variants;
    df = 1 / (sum h_g^2 + (sum u_g)^2 - sum u_g^2), u_g = h_g^2 / (1 - h_g): that of Satterthwaite for units that are
    alike, G - 1 for G clusters of one size. From some 40 clusters on all this is the delta method of `ratio_arm` over
    clusters; for fewer of unequal sizes that one's errors are too small.
    Sources: Bell and McCaffrey (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), Journal of Business &
    Economic Statistics 36:672.

    Returns:
        An arm whose n is the number of clusters. NotEstimable "no_units" without clusters, "too_few_clusters" where
        fewer than two of them have units, "zero_denominator" where the denominators sum to 0 or one is negative,
        "not_finite".

    >>> arm = cluster_arm([(30.0, 10.0), (64.0, 20.0), (25.0, 10.0), (60.0, 20.0)])
    >>> round(arm.theta, 4), round(arm.variance, 5), round(arm.df, 3)
    (2.9833, 0.01567, 2.632)
    """
    refused = _refusal(clusters)
    if refused is not None:
        return refused
    largest = max(o for _, o in clusters)
    sizes = [o / largest for _, o in clusters]
    total = math.fsum(sizes)
    shares = [size / total for size in sizes]
    ratio = math.fsum(r / largest for r, _ in clusters) / total
    if max(shares) >= 1.0:
        return NotEstimable("too_few_clusters", "one cluster holds all there is, to the last digit of it")
    variance = _cr2(clusters, ratio, largest, total)
    by_chance = [share * share / (1.0 - share) for share in shares]
    pairs = math.fsum(by_chance) ** 2 - math.fsum(u * u for u in by_chance)
    df = 1.0 / (math.fsum(share * share for share in shares) + pairs)
    if not (math.isfinite(ratio) and math.isfinite(variance)):
        return NotEstimable("not_finite", "the clusters' sums are too large to compute")
    return Arm(theta=ratio, variance=variance, n=len(clusters), df=df)


def cluster_arms(variants: Mapping[str, Sequence[tuple[float, float]]]) -> Mapping[str, Arm | NotEstimable]:
    """Each variant's mean (or ratio) as `cluster_arm`; clusters share nothing, so their covariance is 0.

    The difference of two of them has the CR2 standard error of the regression on both. Its df in `difference` weighs
    the variants by the variances that were found, as Welch does, where Pustejovsky and Tipton's weighs them by those of
    a model in which all units are alike: equal for equal variances, and smaller where the smaller variant varies more.

    >>> found = cluster_arms({"control": [(4.0, 2.0), (9.0, 3.0)], "text": [(7.0, 2.0)]})
    >>> found["control"].theta, found["text"].reason
    (2.6, 'too_few_clusters')
    """
    return {name: cluster_arm(clusters) for name, clusters in variants.items()}


def _refusal(clusters: Sequence[tuple[float, float]]) -> NotEstimable | None:
    """Why there is no estimate; None where there is one."""
    known = sum(o > 0.0 for _, o in clusters)
    if not clusters:
        return NotEstimable("no_units", "no clusters in this variant")
    if not all(math.isfinite(number) for cluster in clusters for number in cluster):
        return NotEstimable("not_finite", "the sums of a cluster are not finite")
    if any(o < 0.0 for _, o in clusters):
        return NotEstimable("zero_denominator", "the denominator of a cluster is negative")
    if not known:
        return NotEstimable("zero_denominator", f"the denominators of all {len(clusters)} clusters are 0")
    return NotEstimable("too_few_clusters", "1 cluster; how clusters differ takes 2") if known < 2 else None


def _cr2(clusters: Sequence[tuple[float, float]], ratio: float, largest: float, total: float) -> float:
    """The CR2 variance; sums are measured in units of the largest denominator, so that none leaves a double's range."""
    gaps = [r / largest - ratio * (o / largest) for r, o in clusters]
    terms = [abs(r / largest) + abs(ratio * (o / largest)) for r, o in clusters]
    scale = max(terms)
    if not scale > 0.0:
        return 0.0
    if sum((gap / scale) ** 2 for gap in gaps) <= _ROUNDING * sum((term / scale) ** 2 for term in terms):
        return 0.0
    # A product and not a power: what is too large is infinite then, and no exception.
    parts = [
        (gap / total) * (gap / total) / (1.0 - o / largest / total) for gap, (_, o) in zip(gaps, clusters, strict=True)
    ]
    return sum(parts)
