"""The commands. Each imports what it needs when it runs, so that --help answers at once."""

from __future__ import annotations

import atexit
import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from holdfast.cli import (
    asking,
    assigning,
    browsing,
    checking,
    differing,
    exporting,
    one_file,
    overview,
    reporting,
    writing,
)
from holdfast.cli.console import message, note, out, progress, table, write
from holdfast.cli.options import (
    AllOption,
    AsOfOption,
    JsonOption,
    ProjectOption,
    QuietOption,
    SlugsArgument,
    named,
    typed_path,
)
from holdfast.errors import DataError, HoldfastError, UsageError

if TYPE_CHECKING:
    from holdfast.project import AnalysisHandle, Project

Typed = TypeVar("Typed", bound=Callable[..., Any])

app = typer.Typer(
    name="holdfast",
    help="Retention experiments as code: define the tactic in YAML, assign at random, measure, read what to do.",
    epilog="Begin with: holdfast demo, which makes a shop with experiments in the folder demo; or with: holdfast init "
    "my-shop. Each command tells more, with an example for that demo: holdfast plan --help",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run a command; what the user can put right is one clear message and an exit code, never a traceback."""
    # A command lives for seconds and makes a million objects that last as long: looking for garbage among them took a
    # fifth of the processor's time of an analysis, half of it on the way out.
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
    try:
        app()
    except HoldfastError as error:
        note(message(error))
        sys.exit(error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        note(f"error: {error.strerror or error}{where}; nothing half-written is left")
        sys.exit(1)
    except KeyboardInterrupt:
        note("interrupted; nothing half-written is left")
        sys.exit(130)


def _open(folder: Path) -> Project:
    from holdfast.project import open_project

    return open_project(folder)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        out(f"holdfast {version('holdfast')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _command(short: str, example: str, name: str | None = None) -> Callable[[Typed], Typed]:
    """Registers a command with its line on the first page, and an example that runs in the project of `demo`."""
    return app.command(name=name, short_help=short, epilog=f"Example: holdfast {example}")


_command("Write a working project.", "init shop --template shop")(writing.init)
_command("Write a new experiment, with TODO to fill in.", "new spring-voucher --tactic incentive")(writing.new)
_command("Check every file, and the data too.", "validate winback-voucher --data")(checking.validate)
_command("Print where every experiment stands.", "status --as-of 2025-12-15")(overview.status)
_command("Check that everything is in order.", "doctor")(overview.doctor)
_command("Print the templates.", "templates winback-incentive")(browsing.templates)
_command("Print the metrics.", "metrics average_order_value")(browsing.metrics)
_command("Print the tactics and their types.", "tactics incentive")(browsing.tactics)
_command("Print the JSON Schema of a kind of file.", "schema experiment")(writing.schema)


@_command(
    "Print what will be computed, and when.",
    "plan winback-voucher --customers 24000 --baseline unsubscribed@30d=0.4% "
    "--baseline margin_per_customer@90d=1450,sd=4200",
)
def plan(
    slug: str,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    customers: Annotated[int | None, typer.Option(min=2, help="How many customers would take part.")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=VALUE", help="What is known of a metric: a share as 0.4%, a mean as 1450,sd=4200."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print exactly what will be computed, from when it can be read, and what a planned size could tell."""
    from holdfast.cli.planned import print_plan, print_sizes
    from holdfast.project.sizing import parse_baselines, sized

    made = _open(project).experiment(slug).plan(as_of)
    if (customers is None) != (not baseline):
        raise UsageError("what a size could tell needs both: --customers, and a --baseline for each metric of interest")
    found = [] if customers is None else list(sized(made, customers, parse_baselines(baseline or [], made)))
    if as_json:
        from holdfast import report
        from holdfast.project.plan_document import plan_document

        write(report.canonical(plan_document(made, customers, found), "plan"))
        return
    print_plan(made)
    if found:
        print_sizes(made, found)


_command("Enrol and assign at random.", "assign winback-voucher --as-of 2025-12-01 --dry-run")(assigning.assign)
_command(
    "Write audience files for CRM tools.", "export winback-voucher --out data/exports/winback-voucher --format braze"
)(exporting.export)


@_command("Measure, decide and write the report.", "analyze winback-voucher")
def analyze(
    slugs: SlugsArgument = None,
    everything: AllOption = False,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read, check, estimate and decide; write reports/<slug>/<as-of>/. Same inputs, same bytes."""
    opened = _open(project)
    chosen = named(opened, slugs, everything)
    rows: list[tuple[str, str, str]] = []
    worst = 0
    for slug in chosen:
        try:
            with progress(quiet) as show:
                show(f"{slug}: planning")
                analysis = opened.experiment(slug).analyze(as_of, show)
                path = analysis.write()
        except HoldfastError as error:
            if len(chosen) == 1:
                raise
            note(f"{slug}: {message(error)}")
            rows.append((slug, "failed", str(error).splitlines()[0]))
            worst = max(worst, error.exit_code)
            continue
        rows.append((slug, analysis.verdict.recommendation, typed_path(path)))
        if as_json:
            out(json.dumps(json.loads(analysis.to_json()), ensure_ascii=False, sort_keys=True))
        else:
            _print_summary(slug, analysis, path)
    try:
        opened.write_index()
    except DataError as error:
        note(f"reports/README.md is not up to date: {error}")
    if len(chosen) > 1 and not as_json:
        table(("experiment", "verdict", "report"), rows)
    if worst:
        raise typer.Exit(worst)


def _print_summary(slug: str, analysis: AnalysisHandle, path: Path) -> None:
    from holdfast import report

    out(f"{slug}")
    for line in report.summary_lines(analysis.analysis):
        out(f"  {line}")
    out(f"  {typed_path(path)}")
    out()


_command(
    "Analyse one file, without a project.",
    "analyze-file orders.csv --unit customer_id --variant group --control A "
    "--metric conversion:bought --metric ratio:revenue/orders",
    name="analyze-file",
)(one_file.analyze_file)

_command(
    "Write or print a report again.", "report winback-voucher --summary --link https://example.com/shop/blob/main"
)(reporting.report)
_command("Print the statement behind a number.", "query winback-voucher --metric margin_per_customer@90d")(asking.query)
_command("Print retention and more by month.", "kpi --months 6 --by country --as-of 2026-02-01")(asking.kpi)
_command("Print why two reports differ.", "diff winback-voucher --from 2026-02-11 --to 2026-02-18")(differing.diff)
_command(
    "Look at what was not planned.", "explore winback-voucher --metric revenue_per_customer@90d --where country=JP"
)(asking.explore)


@_command("Write the list of all experiments.", "index")
def index(project: ProjectOption = Path()) -> None:
    """Write reports/README.md: every experiment with its verdict and primary effect, and what was learnt."""
    out(typed_path(_open(project).write_index()))


@_command("Make a shop with known effects.", "simulate --out shop --customers 5000 --seed 7")
def simulate(
    folder: Annotated[
        Path | None, typer.Option("--out", help="A new folder for the project; with --data-only the project itself.")
    ] = None,
    customers: Annotated[int, typer.Option(min=500, help="How many customers.")] = 50_000,
    seed: Annotated[int, typer.Option(help="The seed of the random numbers.")] = 2,
    data_only: Annotated[bool, typer.Option("--data-only", help="Write only data/, into a project that is there.")] = (
        False
    ),
    quiet: QuietOption = False,
) -> None:
    """Make a project with a simulated shop: its data, its three experiments, and their known true effects."""
    from holdfast.project.demo import add_data, make_shop

    if folder is None and not data_only:
        raise UsageError("name a new folder with --out, or write the data into this project with --data-only")
    root = (folder or Path()).resolve()
    if data_only and not (root / "configs" / "project.yaml").is_file():
        raise UsageError(f"{root} holds no project; make one with: holdfast init my-shop")
    with progress(quiet) as show:
        made = (add_data if data_only else make_shop)(root, customers, seed, show)
    if data_only:
        out(f"{typed_path(made)}: {customers:,} customers")
        return
    out(f"{typed_path(made)}: {customers:,} customers, three experiments")
    out(f"next: holdfast assign --all --project {typed_path(made)} --as-of 2025-12-01")


@_command("See it all once, on a simulated shop.", "demo --out demo")
def demo(
    folder: Annotated[
        Path, typer.Option("--out", help="The demo's folder; a demo that is there already is replaced.")
    ] = Path("demo"),
    customers: Annotated[int, typer.Option(min=500, help="How many customers.")] = 50_000,
    seed: Annotated[int, typer.Option(help="The seed of the random numbers.")] = 2,
    quiet: QuietOption = False,
) -> None:
    """Simulate a shop, run its three experiments, and print each estimate beside the true effect."""
    from holdfast.cli.demo import run_demo

    run_demo(folder, customers, seed, quiet)
