"""A metric that is named outside any file: the same rules as for one that a plan names."""

from __future__ import annotations

from holdfast.config.marks import Sheet
from holdfast.config.rules.references import check_reference
from holdfast.errors import UsageError, nearest
from holdfast.model.metric import Funnel
from holdfast.model.study import Study
from holdfast.model.values import MetricRef


def asked_metric(study: Study, text: str) -> MetricRef:
    """The reference that a text is, to a metric of the catalogue or of the experiment.

    Raises:
        UsageError: there is no such metric, it needs a window, or it cannot be compared.
    """
    try:
        ref = MetricRef.parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if ref.name not in study.metrics:
        raise UsageError(f'there is no metric "{ref.name[:60]}"{nearest(ref.name, study.metrics)}')
    metric = study.metrics[ref.name]
    if isinstance(metric, Funnel):
        raise UsageError(f'"{ref.name}" is a funnel, which only describes; name a conversion on the fact of one step')
    sheet = Sheet("")
    check_reference(sheet, ("metrics", "primary"), ref, metric)
    if sheet.findings:
        raise UsageError(sheet.findings[0].message)
    return ref
