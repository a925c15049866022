"""The command line: a thin skin over the Python API."""

from holdfast.cli.app import main

__all__ = ["main"]
