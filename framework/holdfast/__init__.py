"""Holdfast: retention experiments as code."""
