"""The public Python API: a project, its experiments and their analyses. The only package that knows every stage."""

from holdfast.project.handles import AnalysisHandle, ExperimentHandle, MetricView, Project, open_project
from holdfast.project.one_table import analyze_frame

__all__ = ["AnalysisHandle", "ExperimentHandle", "MetricView", "Project", "analyze_frame", "open_project"]
