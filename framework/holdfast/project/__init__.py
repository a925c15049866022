"""The public Python API: a project, its experiments and their analyses. The only package that knows every stage."""

from holdfast.project.handles import AnalysisHandle, ExperimentHandle, MetricView, Project, open_project

__all__ = ["AnalysisHandle", "ExperimentHandle", "MetricView", "Project", "open_project"]
