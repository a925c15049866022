"""Starter projects and the first lines of an experiment: pure file writing, nothing is read but what ships here."""

from holdfast.starter.experiments import TACTIC_TYPES, new_experiment
from holdfast.starter.projects import BUSINESSES, Business, init_project

__all__ = ["BUSINESSES", "TACTIC_TYPES", "Business", "init_project", "new_experiment"]
