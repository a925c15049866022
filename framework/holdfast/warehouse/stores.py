"""Which store a project has: files beside it, or tables in its database."""

from __future__ import annotations

from holdfast.model.study import Study
from holdfast.warehouse.filestore import FileStore
from holdfast.warehouse.manifest import Store
from holdfast.warehouse.tablestore import TableStore


def open_store(study: Study, version: int) -> Store:
    """Where the assignment of a version lies. Nothing is read or made yet."""
    settings = study.project.assignment_store
    if settings is None:
        return FileStore(study.root / "data" / "assignments" / study.slug / f"v{version}")
    return TableStore(
        study.project.connection,
        study.root,
        study.files,
        schema=settings.schema,
        slug=study.slug,
        version=version,
    )
