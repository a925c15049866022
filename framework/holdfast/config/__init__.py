"""From YAML files to a frozen `Study`, with everything that is wrong reported at once as file, line and column."""

from holdfast.config.asked import asked_metric
from holdfast.config.canonical import (
    canonical,
    canonical_parts,
    config_hash,
    cosmetic_document,
    cosmetic_hash,
    design_document,
)
from holdfast.config.catalogue import Catalogue, load_catalogue, load_plain_study, load_study, validate
from holdfast.config.explain import explain
from holdfast.config.explorations import read_explorations, record
from holdfast.config.files import find_root
from holdfast.config.rules import RULES

__all__ = [
    "RULES",
    "Catalogue",
    "asked_metric",
    "canonical",
    "canonical_parts",
    "config_hash",
    "cosmetic_document",
    "cosmetic_hash",
    "design_document",
    "explain",
    "find_root",
    "load_catalogue",
    "load_plain_study",
    "load_study",
    "read_explorations",
    "record",
    "validate",
]
