"""Checks of who the units are: whether the variants were alike before the experiment."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import stats
from holdfast.health.split import status_of
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Balance, KnownBefore, Moments, Reading
from holdfast.model.result import BalanceRow, Check
from holdfast.model.study import Study


def balance(study: Study, known: Balance | None, *, interim: bool = False) -> Check:
    """Whether the variants were alike before the experiment in all that is known of the units, taken together."""
    details: dict[str, str | float] = {}
    if known and known.left_out:
        details |= {f"left_out_{why}": _listed(study, known, why) for why in sorted(set(known.left_out.values()))}
    if study.experiment.assignment.cluster:
        # Customers of one cluster are alike, and no test of single customers allows for that.
        return Check(id="balance", status="not_applicable", details=details | {"reason": "clusters"})
    if known is None or not known.properties:
        return Check(id="balance", status="not_applicable", details=details)
    test = stats.omnibus(list(_groups(study, known).values()))
    if isinstance(test, NotEstimable):
        return Check(id="balance", status="not_applicable", details=details | {"reason": test.reason})
    limits = study.health.pre_period
    status = status_of(test.p, block=limits.block, note=limits.note, interim=interim)
    rows = [row for row in balance_rows(study, known) if row.difference is not None]
    if rows:
        worst = max(rows, key=lambda row: abs(row.difference or 0.0))
        details |= {"property": worst.title, "variant": worst.variant, "difference": abs(worst.difference or 0.0)}
    large = {row.property for row in rows if abs(row.difference or 0.0) >= stats.LARGE}
    details |= {"properties": float(len(known.properties)), "columns": float(len(test.columns))}
    details |= {"large": float(len(large)), "block": limits.block, "note": limits.note}
    return Check(
        id="balance",
        status=status,
        value=test.p,
        limit=limits.block if status == "block" or interim else limits.note,
        details=details,
    )


def _listed(study: Study, known: Balance, why: str) -> str:
    return ", ".join(_title(study, name) for name, reason in known.left_out.items() if reason == why)


def _title(study: Study, name: str) -> str:
    spec = study.properties.get(name)
    return spec.title if spec and spec.title else name.replace("_", " ")


def _groups(study: Study, known: Balance) -> dict[str, stats.Group]:
    """The variants that have units, in the order of the file."""
    keys = [key for key in study.experiment.variants if key in known.vectors and known.vectors[key].n]
    return {key: _group(known.vectors[key]) for key in keys}


def _group(moments: Moments) -> stats.Group:
    return stats.Group(moments.n, moments.mean, moments.covariance)


def balance_rows(study: Study, known: Balance | None) -> tuple[BalanceRow, ...]:
    """How far each treated variant was from control on each property, in standard deviations."""
    if known is None:
        return ()
    groups, control = _groups(study, known), study.experiment.control
    return tuple(
        BalanceRow(
            property=item.name,
            title=_title(study, item.name),
            variant=variant,
            baseline=control,
            kind=item.kind,
            difference=_difference(known, item, groups, (variant, control)),
        )
        for item in known.properties
        for variant in study.experiment.treatments
        if variant in groups and control in groups
    )


def _difference(
    known: Balance, item: KnownBefore, groups: dict[str, stats.Group], pair: tuple[str, str]
) -> float | None:
    """Of a number itself, among units that have one; of a category over all its cells."""
    if item.kind == "category":
        found = stats.distance(groups[pair[0]], groups[pair[1]], item.columns)
        return None if isinstance(found, NotEstimable) else found
    treated, base = (known.numbers[item.name, variant] for variant in pair)
    if not treated.n or not base.n:
        return None
    found = stats.standardised_difference(
        treated.mean[0], treated.covariance[0][0], base.mean[0], base.covariance[0][0]
    )
    return None if isinstance(found, NotEstimable) else found


def segment_split(study: Study, known: Balance | None, *, interim: bool = False) -> Check | None:
    """Whether the units of every segment were split alike: the smallest p over segments, times their number.

    None where the plan names no segments.
    """
    named = study.experiment.analysis.segments
    if not named or study.experiment.assignment.cluster:
        return None
    cells = {} if known is None else {i.name: i for i in known.properties if i.name in named and i.kind == "category"}
    tests = {name: stats.homogeneity(list(_parts(study, known, item))) for name, item in cells.items() if known}
    values = {name: test.p for name, test in tests.items() if isinstance(test, stats.Homogeneity)}
    if not values:
        return Check(id="segment_split", status="not_applicable")
    worst = min(values, key=lambda name: values[name])
    p = min(1.0, values[worst] * len(values))
    limits = study.health.srm
    # What decides is the balance over all properties; this one finds where to look.
    noted = p < (limits.block if interim else limits.note)
    return Check(
        id="segment_split",
        status="note" if noted else "ok",
        value=p,
        limit=limits.block if interim else limits.note,
        details={"segment": _title(study, worst), "segments": float(len(values))},
    )


def _parts(study: Study, known: Balance, item: KnownBefore) -> Iterator[list[int]]:
    """Units by variant in each cell of a category: those with a column, then the one without."""
    vectors = [known.vectors.get(key) for key in study.experiment.variants]
    cells = [[0 if v is None else round(v.mean[place] * v.n) for v in vectors] for place in item.columns]
    yield from cells
    yield [(v.n if v else 0) - sum(cell[place] for cell in cells) for place, v in enumerate(vectors)]


def pre_period(plan: Plan, reading: Reading) -> Check:
    """Whether the variants were alike in each metric's own number before the assignment: the smallest p over metrics,
    times their number; metrics that count the same facts are one.

    Numbers count by their logarithm, as in the balance, and beside each stands whether there was any such fact.
    """
    study, limits = plan.study, plan.study.health.pre_period
    details: dict[str, str | float] = {"block": limits.block, "note": limits.note}
    if study.experiment.assignment.cluster:
        return Check(id="pre_period", status="not_applicable", details=details | {"reason": "clusters"})
    tests: dict[str, stats.Omnibus] = {}
    seen: list[list[stats.Group]] = []
    for metric in dict.fromkeys(name for name, _ in reading.past):
        known = [reading.past[metric, key] for key in study.experiment.variants if (metric, key) in reading.past]
        groups = [_group(moments) for moments in known if moments.n]
        test = stats.omnibus(groups)
        if groups not in seen and isinstance(test, stats.Omnibus):
            seen.append(groups)
            tests[metric] = test
    if not tests:
        return Check(id="pre_period", status="not_applicable", details=details)
    worst = min(tests, key=lambda metric: tests[metric].p)
    p = min(1.0, tests[worst].p * len(tests))
    status = status_of(p, block=limits.block, note=limits.note, interim=plan.interim)
    return Check(
        id="pre_period",
        status=status,
        value=p,
        limit=limits.block if status == "block" or plan.interim else limits.note,
        details=details | {"metric": worst, "metrics": float(len(tests))},
    )
