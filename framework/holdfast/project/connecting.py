"""Whether the connection opens, every source that is read is there, and the assignment's store can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdfast import config, warehouse
from holdfast.config.demands import demands
from holdfast.errors import DataError, HoldfastError, TransientError
from holdfast.model.demand import Demand
from holdfast.project.checking import loadable
from holdfast.project.diagnosis import Line

Progress = Callable[[str], None]


def connection(catalogue: config.Catalogue, progress: Progress) -> Iterator[Line]:
    """The lines about the connection; no row of a table is read, and of a text file only its types are found."""
    project = catalogue.project
    progress("opening the connection")
    try:
        engine = warehouse.connect(project.connection, catalogue.root, catalogue.files, progress)
    except (DataError, TransientError) as error:
        yield _refused("opens", error, "correct `connection` in configs/project.yaml")
        return
    with engine:
        about = warehouse.about(engine)
        yield Line(area="connection", what="opens", answer="ok", found=engine.name)
        for name, value in about.items():
            yield Line(area="connection", what=name, answer="ok", found=value)
        try:
            warehouse.check_zone(engine, project.timezone)
            found = f"{project.timezone} is known to the engine"
            yield Line(area="connection", what="time zone", answer="ok", found=found)
        except HoldfastError as error:
            yield _refused("time zone", error, "load the time zones into the engine, or name one that it knows")
        if project.assignment_store is not None:
            yield from _store(engine, project.assignment_store.schema)
        for demand in demands(catalogue, loadable(catalogue, catalogue.slugs), unused=True):
            progress(f"looking at {demand.label}")
            yield _source(engine, demand)


def _store(engine: warehouse.Engine, schema: str) -> Iterator[Line]:
    try:
        there = warehouse.has_schema(engine, schema)
    except HoldfastError as error:
        yield _refused("assignment store", error, "correct `assignment_store` in configs/project.yaml")
        return
    found = f"schema {schema} is there" if there else f"schema {schema} is made by the first assign"
    yield Line(area="connection", what="assignment store", answer="ok", found=found)


def _source(engine: warehouse.Engine, demand: Demand) -> Line:
    """A source that an experiment reads is there; one that none reads may be missing."""
    what = f"source {demand.label}"
    try:
        columns = warehouse.columns(engine, demand.study, demand.name, scan=False)
    except (DataError, TransientError) as error:
        if demand.readers:
            return _refused(what, error, f"correct {demand.location.path}:{demand.location.line}, or load the data")
        found = "not there, and no experiment reads it"
        return Line(area="sources", what=what, answer="note", found=found, do="nothing, until one does")
    readers = len(demand.readers)
    used = f"read by {readers} experiment{'' if readers == 1 else 's'}" if readers else "read by no experiment"
    return Line(area="sources", what=what, answer="ok", found=f"{len(columns)} columns, {used}")


def _refused(what: str, error: HoldfastError, do: str) -> Line:
    transient = isinstance(error, TransientError)
    area = "sources" if what.startswith("source ") else "connection"
    found = str(error).splitlines()[0]
    do = "wait, and run it again" if transient else do
    return Line(area=area, what=what, answer="problem", found=found, do=do, transient=transient)
