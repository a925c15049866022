"""Every rule for one experiment, in one call."""

from __future__ import annotations

from holdfast.config.marks import Sheet
from holdfast.config.rules.experiment import check_experiment
from holdfast.config.rules.known import Known
from holdfast.config.rules.measures import check_measures
from holdfast.config.rules.settings import check_settings, settle
from holdfast.config.rules.treatments import check_treatments
from holdfast.model.experiment import Experiment


def judge(known: Known, sheet: Sheet, slug: str, experiment: Experiment) -> None:
    """Report every rule that an experiment breaks, but for what its author has weighed."""
    check_experiment(known, sheet, slug, experiment)
    check_treatments(known, sheet, experiment)
    check_measures(known, sheet, experiment)
    check_settings(known, sheet, experiment)
    settle(sheet, experiment)
