"""The engine: sources in, a few numbers per variant out. The only layer that touches Ibis or a database."""

from holdfast.warehouse.about import about, check_zone, has_schema
from holdfast.warehouse.balance import balance
from holdfast.warehouse.engine import Engine, connect
from holdfast.warehouse.enrol import audience, groups, write_draw
from holdfast.warehouse.export import Audience, read_audience, stage_audience, write_audience
from holdfast.warehouse.external import TableState, look_at_table
from holdfast.warehouse.filestore import digest
from holdfast.warehouse.handed import (
    ColumnState,
    HandedOver,
    Wanted,
    connect_files,
    file_columns,
    hold_file,
    hold_frame,
    look_at,
    refuse_repeated,
)
from holdfast.warehouse.labels import told_labels
from holdfast.warehouse.manifest import Staged, Store, checksum
from holdfast.warehouse.monthly import by_month
from holdfast.warehouse.preview import clusters_of, counted, kept_out_by_caps, known_before, pressure, shared
from holdfast.warehouse.read import read
from holdfast.warehouse.relations import unit_name
from holdfast.warehouse.source_state import columns, look, repeats, values
from holdfast.warehouse.statement import statement
from holdfast.warehouse.stores import open_store
from holdfast.warehouse.textfile import rewritten
from holdfast.warehouse.variants import variants_of

__all__ = [
    "Audience",
    "ColumnState",
    "Engine",
    "HandedOver",
    "Staged",
    "Store",
    "TableState",
    "Wanted",
    "about",
    "audience",
    "balance",
    "by_month",
    "check_zone",
    "checksum",
    "clusters_of",
    "columns",
    "connect",
    "connect_files",
    "counted",
    "digest",
    "file_columns",
    "groups",
    "has_schema",
    "hold_file",
    "hold_frame",
    "kept_out_by_caps",
    "known_before",
    "look",
    "look_at",
    "look_at_table",
    "open_store",
    "pressure",
    "read",
    "read_audience",
    "refuse_repeated",
    "repeats",
    "rewritten",
    "shared",
    "stage_audience",
    "statement",
    "told_labels",
    "unit_name",
    "values",
    "variants_of",
    "write_audience",
    "write_draw",
]
