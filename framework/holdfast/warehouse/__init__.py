"""The engine: sources in, a few numbers per variant out. The only layer that touches Ibis or a database."""

from holdfast.warehouse.balance import balance
from holdfast.warehouse.engine import Engine, connect
from holdfast.warehouse.enrol import enrol
from holdfast.warehouse.manifest import checksum, digest, read_manifest, write_batch
from holdfast.warehouse.read import read

__all__ = ["Engine", "balance", "checksum", "connect", "digest", "enrol", "read", "read_manifest", "write_batch"]
