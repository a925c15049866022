"""The engine: sources in, a few numbers per variant out. The only layer that touches Ibis or a database."""

from holdfast.warehouse.engine import Engine, connect
from holdfast.warehouse.enrol import enrol
from holdfast.warehouse.manifest import checksum, digest, read_manifest, write_batch
from holdfast.warehouse.read import read
from holdfast.warehouse.variants import variants_of

__all__ = ["Engine", "checksum", "connect", "digest", "enrol", "read", "read_manifest", "variants_of", "write_batch"]
