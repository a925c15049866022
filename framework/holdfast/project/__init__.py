"""The public Python API: a project, its experiments and their analyses. The only package that knows every stage."""

from holdfast.project.analysis import AnalysisHandle, MetricView
from holdfast.project.experiment import ExperimentHandle
from holdfast.project.one_table import analyze_frame
from holdfast.project.opened import Project, open_project

__all__ = ["AnalysisHandle", "ExperimentHandle", "MetricView", "Project", "analyze_frame", "open_project"]
