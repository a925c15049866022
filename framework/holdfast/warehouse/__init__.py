"""The engine: sources in, a few numbers per variant out. The only layer that touches Ibis or a database."""

from holdfast.warehouse.engine import Engine, connect
from holdfast.warehouse.enrol import enrol
from holdfast.warehouse.export import Audience, read_audience, stage_audience, write_audience
from holdfast.warehouse.manifest import checksum, digest, read_manifest, write_batch
from holdfast.warehouse.read import read
from holdfast.warehouse.relations import unit_name

__all__ = [
    "Audience",
    "Engine",
    "checksum",
    "connect",
    "digest",
    "enrol",
    "read",
    "read_audience",
    "read_manifest",
    "stage_audience",
    "unit_name",
    "write_audience",
    "write_batch",
]
