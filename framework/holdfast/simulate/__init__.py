"""A simulated shop whose experiments have known true effects."""

from __future__ import annotations

from holdfast.simulate.experiments import ONBOARDING, PICKS, TRIALS, WINBACK, Rule, Trial
from holdfast.simulate.runs import ShopRun, run_shop, simulate_shop
from holdfast.simulate.settings import ShopSettings
from holdfast.simulate.truth import Enrolment, ExperimentTruth, TrueEffect, Truth, observed

__all__ = [
    "ONBOARDING",
    "PICKS",
    "TRIALS",
    "WINBACK",
    "Enrolment",
    "ExperimentTruth",
    "Rule",
    "ShopRun",
    "ShopSettings",
    "Trial",
    "TrueEffect",
    "Truth",
    "observed",
    "run_shop",
    "simulate_shop",
]
