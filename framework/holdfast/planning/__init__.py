"""From a study to a plan: exactly what will be computed, before anything is read."""

from holdfast.planning.exploring import asked_alone, effects_due, exploration
from holdfast.planning.planned import default_as_of, enrolment, family, plan, readout

__all__ = ["asked_alone", "default_as_of", "effects_due", "enrolment", "exploration", "family", "plan", "readout"]
