"""Exporting: an assignment as audience files for CRM tools, one a variant, control included."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast import atomic, warehouse
from holdfast.errors import AssignmentError, DataError, UsageError, nearest
from holdfast.model.audience import FORMATS, SCHEMA, AudienceFile, Exported, Format
from holdfast.model.manifest import Batch, Manifest
from holdfast.model.study import Study
from holdfast.project.assigning import ready, store_of
from holdfast.project.started import Started

INDEX = "export.json"
_STAGED = ".audience.parquet"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be exported, and how."""

    form: Format
    column: str
    """Header of the variant column."""
    id: str | None
    """The column of the unit's source that holds ids; None: the unit's own id."""
    escape: bool
    as_of: dt.date | None
    batch: dt.date | None


def wish(
    slug: str,
    *,
    form: str,
    column: str | None,
    id: str | None,
    escape: bool,
    as_of: dt.date | None,
    batch: dt.date | None,
) -> Wish:
    """A wish that can be met as far as it goes without data.

    Raises:
        UsageError: the format is unknown, the column does not suit it, or two dates are asked for.
    """
    if form not in FORMATS:
        raise UsageError(f'format "{form}" is not known{nearest(form, FORMATS)}')
    if as_of and batch:
        raise UsageError("ask for everything up to a date (as of) or for one batch, not both")
    chosen = FORMATS[form]
    header = chosen.column(slug) if column is None else column
    if not chosen.accepts(header):
        raise UsageError(f'"{header}" cannot name a column of {form}: use {chosen.header_words}')
    return Wish(form=chosen, column=header, id=id, escape=escape, as_of=as_of, batch=batch)


def export(study: Study, folder: Path, wished: Wish, progress: Progress) -> Exported:
    """What was written: a file for every variant, and export.json beside them. The folder appears whole or not at all.

    Raises:
        UsageError: something else than an earlier export of this experiment is in the way; there is no such batch.
        AssignmentError: another system assigned, or nobody is assigned yet.
        DataError: ids are missing, repeat, would be run by a spreadsheet, or are not what the tool asks for.
    """
    slug = study.slug
    if not study.experiment.assignment.by_holdfast:
        raise AssignmentError(
            f"{slug}: another system assigned these units and has its own lists of them; there is nothing to export"
        )

    def refuse(target: Path) -> None:
        _refuse_others(target, slug, folder)

    target = folder.resolve()
    refuse(target)
    begun, manifest = ready(study, progress)
    if manifest is None:
        raise AssignmentError(f"{slug}: nobody is assigned yet; run: holdfast assign {slug}")
    batches = _batches(slug, manifest, wished)
    with atomic.replacing_folder(target, refuse) as new:
        made = _write(begun, batches, wished, new, progress)
        text = json.dumps(made.to_json(), indent=2, ensure_ascii=False) + "\n"
        (new / INDEX).write_text(text, encoding="utf-8")
    return replace(made, folder=target)


def _batches(slug: str, manifest: Manifest, wished: Wish) -> tuple[Batch, ...]:
    """The batches that are asked for, oldest first; never none."""
    first, last = manifest.batches[0].as_of, manifest.batches[-1].as_of
    if wished.batch:
        found = tuple(batch for batch in manifest.batches if batch.as_of == wished.batch)
        if not found:
            what = f"the batches are of {first} to {last}" if first != last else f"the only batch is of {first}"
            raise UsageError(f"{slug}: no batch was assigned as of {wished.batch}; {what}")
        return found
    found = tuple(batch for batch in manifest.batches if wished.as_of is None or batch.as_of <= wished.as_of)
    if not found:
        raise UsageError(f"{slug}: nobody was assigned by {wished.as_of}; the first batch is of {first}")
    return found


def _refuse_others(target: Path, slug: str, shown: Path) -> None:
    """Let pass a free name, an empty folder, and what an earlier export of the same experiment wrote, as it was."""
    if target == Path.cwd():
        raise UsageError(f"{shown} is the folder that you are in, and would be exchanged for another: name one in it")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    found = _earlier(target)
    if found is None:
        raise UsageError(f"{shown} is there already and is no export: choose another folder")
    owner, names = found
    if owner != slug:
        raise UsageError(f"{shown} holds an export of {owner}: choose another folder for {slug}")
    others = sorted(path.name for path in target.iterdir() if path.name not in names or not path.is_file())
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise UsageError(f"{shown} holds more than the export ({listed}): move that away, or choose another folder")


def _earlier(target: Path) -> tuple[str, frozenset[str]] | None:
    """The experiment and the files of an earlier export; None when there is none that can be read."""
    try:
        document = json.loads((target / INDEX).read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            return None
        return str(document["experiment"]), frozenset([INDEX, *(str(file["file"]) for file in document["files"])])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(begun: Started, batches: tuple[Batch, ...], wished: Wish, new: Path, progress: Progress) -> Exported:
    """Write the files into an empty folder."""
    study = begun.study
    staged = new / _STAGED
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        assigned = store_of(begun).units(engine, Manifest(batches=batches))
        warehouse.stage_audience(engine, study, assigned, staged, column=wished.id, escape=wished.escape)
        audience = warehouse.read_audience(engine, staged, wished.form)
        _check(study, audience, Manifest(batches=batches).counts, wished)
        made = tuple(_variant_files(engine, study, wished, audience, staged))
    staged.unlink()
    return Exported(
        folder=new,
        slug=study.slug,
        version=study.experiment.version,
        config_hash=study.config_hash,
        format=wished.form.name,
        id_column=wished.id,
        as_of=batches[-1].as_of,
        batches=len(batches),
        batch=wished.batch,
        escaped=audience.formulas if wished.escape else 0,
        files=made,
    )


def _variant_files(
    engine: warehouse.Engine, study: Study, wished: Wish, audience: warehouse.Audience, staged: Path
) -> Iterator[AudienceFile]:
    """Write one file a variant, also for one that nobody is in: a tool that expects a file finds it."""
    header = (wished.form.id_header, wished.column)
    for variant, spec in study.experiment.variants.items():
        # Some tools keep only a file's name: it says of which experiment it is.
        name = "-".join([study.slug, *([wished.batch.isoformat()] if wished.batch else []), variant]) + ".csv"
        warehouse.write_audience(engine, staged, variant, header, staged.with_name(name))
        yield AudienceFile(
            name=name,
            variant=variant,
            is_control=spec.is_control,
            rows=audience.rows.get(variant, 0),
            sha256=warehouse.digest(staged.with_name(name)),
            header=header,
        )


def _check(study: Study, audience: warehouse.Audience, assigned: Mapping[str, int], wished: Wish) -> None:
    """Refuse an audience that a tool would match wrongly, in counts and without a single id."""
    total = sum(assigned.values())
    source = study.project.units[warehouse.unit_name(study)].source
    repeats = sum(audience.rows.values()) - audience.units
    if wished.id:
        what = f'source "{source}", column "{wished.id}"'
        if repeats:
            raise DataError(f'source "{source}": {repeats:,} rows repeat a unit that is exported; correct the data')
        if missing := total - audience.units + audience.empty:
            raise DataError(
                f"{what}: {missing:,} of {total:,} assigned units have no value there (of them "
                f"{total - audience.units:,} are not in the source); correct the data, or export by another column"
            )
    else:
        what = "the units' own ids"
        if audience.rows != {variant: n for variant, n in assigned.items() if n}:
            raise AssignmentError(
                f"{study.slug}: the assignment holds {dict(audience.rows)}, its index says {dict(assigned)}; restore "
                "data/assignments from a backup"
            )
    _check_ids(audience, wished, what, source)


def _check_ids(audience: warehouse.Audience, wished: Wish, what: str, source: str) -> None:
    total = sum(audience.rows.values())
    if audience.unfit:
        step = (
            "correct the data, or choose another column"
            if wished.id
            else f'name the column of source "{source}" that holds them: --id COLUMN'
        )
        raise DataError(f"{what}: {audience.unfit:,} of {total:,} are not {wished.form.id_words}; {step}")
    if audience.formulas and not wished.escape:
        raise DataError(
            f"{what}: {audience.formulas:,} of {total:,} begin with =, +, -, @, a tab or a line break, and a "
            "spreadsheet would run them as a formula. Nothing was altered, since a tool would then match nobody: "
            "correct the ids, name another column with --id, or put an apostrophe before each with --escape-formulas"
        )
    if audience.repeated:
        same = ", upper and lower case taken as the same" if wished.form.ignores_case else ""
        raise DataError(
            f"{what}: {audience.repeated:,} of {total:,} repeat the id of another unit{same}; one person would get two "
            "variants: correct the data, or choose another column with --id"
        )
