"""The commands that print the catalogue: templates, metrics and tactics, each explained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.console import note, out, pairs, paragraph, table, write
from holdfast.cli.options import JsonOption, ProjectOption
from holdfast.errors import ProjectNotFound, UsageError, nearest

if TYPE_CHECKING:
    from holdfast.config import Catalogue
    from holdfast.model.metric import Metric
    from holdfast.model.tactic import Tactic

NameArgument = Annotated[str | None, typer.Argument(metavar="[NAME]", help="One by its name; none: list them.")]
BusinessOption = Annotated[
    str | None,
    typer.Option("--template", metavar="BUSINESS", help="What `init` would write: shop, subscription or app."),
]


def metrics(
    name: NameArgument = None,
    project: ProjectOption = Path(),
    business: BusinessOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the metrics: what each counts, in which days, which way is better, and its pitfalls."""
    from holdfast.config.explain import summary

    found = _catalogue(project, business).metrics
    if name is not None:
        metric = _named(found, name, "metric")
        _json(_metric_facts(name, metric)) if as_json else _print_metric(name, metric)
        return
    rows = [(key, item.title or key, summary(item), item.desired_change) for key, item in found.items()]
    _listed(("metric", "title", "what it is", "better"), rows, as_json)


def tactics(
    name: NameArgument = None,
    project: ProjectOption = Path(),
    business: BusinessOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the tactics, or the fields of a type of tactic, with what they are for."""
    found = _catalogue(project, business).tactics
    if name is None:
        rows = [
            (key, item.type, item.stage or "", ", ".join(item.churn_drivers), item.title) for key, item in found.items()
        ]
        _listed(("tactic", "type", "stage", "removes", "title"), rows, as_json)
        if not as_json:
            note(f"types: {', '.join(_types())}")
        return
    if name in found:
        facts = _tactic_facts(name, found[name])
        _json(facts) if as_json else _print_facts(facts)
    elif name in _types():
        _json(_type_facts(name, found)) if as_json else _print_type(name, found)
    else:
        raise UsageError(f'no tactic and no type of tactic is named "{name}"{nearest(name, [*found, *_types()])}')


def templates(
    name: NameArgument = None,
    project: ProjectOption = Path(),
    business: BusinessOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the templates, or all that an experiment gets from one of them."""
    found = _catalogue(project, business).templates
    if name is None:
        rows = [(key, item.title, item.description) for key, item in found.items()]
        _listed(("template", "title", "what it is for"), rows, as_json)
        return
    item = _named(found, name, "template")
    lines = dict(_flat(item.layer))
    if as_json:
        _json({"name": name, "title": item.title, "description": item.description, **lines})
        return
    out(f"{name}: {item.title}" if item.title else name)
    paragraph(item.description)
    pairs(lines.items())


def _catalogue(project: Path, business: str | None) -> Catalogue:
    """The project's catalogue; outside a project, that of the project that `init` would write."""
    from holdfast import config

    if business is None:
        try:
            return config.load_catalogue(config.find_root(project.resolve()))
        except ProjectNotFound:
            note("no project here; this is what `holdfast init` would write for a shop")
    import tempfile

    from holdfast.starter import init_project

    with tempfile.TemporaryDirectory() as folder:
        init_project(Path(folder), business or "shop", "example")  # type: ignore[arg-type]
        return config.load_catalogue(Path(folder))


def _named(found: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in found:
        raise UsageError(f'unknown {what} "{name}"{nearest(name, found)}')
    return found[name]


def _listed(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], as_json: bool) -> None:
    if as_json:
        _json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        table(header, rows)


def _json(document: object) -> None:
    write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _print_facts(facts: Mapping[str, str]) -> None:
    """A heading, its description, and the rest in pairs."""
    rest = dict(facts)
    name, title, description = rest.pop("name"), rest.pop("title", ""), rest.pop("description", "")
    out(f"{name}: {title}" if title else name)
    paragraph(description)
    pairs(rest.items())


def _metric_facts(name: str, metric: Metric) -> dict[str, str]:
    from holdfast.config.explain import summary, text

    facts = {"name": name, "title": metric.title, "description": metric.description}
    facts |= {"definition": summary(metric), "formula": formula(metric)}
    if metric.window is not None:
        facts["window"] = f"days {metric.window.first_day} to {metric.window.end_day - 1} after assignment"
    facts["better"] = {"increase": "more", "decrease": "less", "none": "neither; it describes"}[metric.desired_change]
    for field in ("unit_of_measure", "winsorize", "where", "owner", "tags", "deprecated"):
        value = getattr(metric, field, None)
        if value:
            facts[field] = text(value)
    return facts


def _print_metric(name: str, metric: Metric) -> None:
    _print_facts(_metric_facts(name, metric))


def formula(metric: Any) -> str:
    """How the number of a variant is made, as a fraction."""
    if metric.operation == "ratio":
        return f"{_total(metric.numerator)} / {_total(metric.denominator)}"
    if metric.operation == "survival":
        return f"{metric.estimand} of the time to {metric.fact or f'the end of a period of {metric.ended}'}"
    if metric.operation == "quantile":
        return f"{metric.q} quantile over units of ({_total(metric.of)})"
    if metric.operation == "funnel":
        return ", ".join(f"units with {step.fact}" for step in metric.steps) + ", each / all units"
    if metric.operation == "churn" and metric.cancelled:
        return f"units whose period of {metric.cancelled} ended / units with a running one at assignment"
    base = "units with a value" if metric.operation == "last" else "all units"
    return f"{_total(metric)} / {base}"


def _total(part: Any) -> str:
    """What is summed over units, in words."""
    words = {
        "conversion": "units with at least one {fact}",
        "retention": "units with at least one {fact}",
        "churn": "units without {fact} in the last {inactivity}",
        "count": "number of {fact}",
        "sum": "sum of {fact}",
        "clv": "sum of {fact}",
        "count_distinct": "number of different {property} of {fact}",
        "active_days": "days with {fact}",
        "last": "sum of the last {fact}",
        "column": "sum of column {column}",
    }
    fields = {name: getattr(part, name, None) for name in ("fact", "inactivity", "property", "column")}
    return words[part.operation].format(**fields)


def _tactic_facts(name: str, tactic: Tactic) -> dict[str, str]:
    from holdfast.config.explain import text
    from holdfast.config.origins import leaves

    facts = {"name": name, "title": tactic.title, "description": tactic.description}
    for _, path, value in leaves(tactic):
        if value not in (None, "", (), {}, False) and path not in facts:
            facts[path] = text(value)
    return facts


def _tactic_schema() -> dict[str, Any]:
    from holdfast.schemas import schema_text

    found: dict[str, Any] = json.loads(schema_text("tactics"))["definitions"]
    return found


def _types() -> list[str]:
    words: list[str] = _tactic_schema()["Tactic"]["properties"]["type"]["enum"]
    return words


def _type_schema(known: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    branch = next(b for b in known["Tactic"]["allOf"] if b["if"]["properties"]["type"]["const"] == name)
    found: Mapping[str, Any] = known[branch["then"]["$ref"].rpartition("/")[2]]
    return found


def _of_type(name: str, found: Mapping[str, Tactic]) -> list[str]:
    return [key for key, item in found.items() if item.type == name]


def _type_facts(name: str, found: Mapping[str, Tactic]) -> dict[str, Any]:
    """A type of tactic with its fields, and the tactics of the catalogue that are of it."""
    known = _tactic_schema()
    body = _type_schema(known, name)
    fields = [
        {"field": field, "required": bool(needed), "meaning": meaning, "example": json.loads(example)}
        for field, needed, meaning, example in _fields(known, body)
    ]
    return {"type": name, "description": body["description"], "fields": fields, "tactics": _of_type(name, found)}


def _print_type(name: str, found: Mapping[str, Tactic]) -> None:
    """The fields of a type of tactic, and which tactics of the catalogue are of it."""
    known = _tactic_schema()
    body = _type_schema(known, name)
    out(f"{name}: a type of tactic")
    paragraph(body["description"])
    table(("field", "", "meaning", "example"), list(_fields(known, body)))
    examples = _of_type(name, found)
    if examples:
        out()
        out(f"here: {', '.join(examples)}; print one with: holdfast tactics {examples[0]}")


def _fields(known: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    either = (option for group in body.get("allOf", ()) for option in group["anyOf"])
    required = {*body.get("required", ()), *(name for option in either for name in option["required"])}
    for field, schema in body["properties"].items():
        whole = known[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if field == "type" or schema.get("doNotSuggest"):
            continue
        needed = field in required
        example = json.dumps(whole["examples"][0], ensure_ascii=False)
        yield field, "required" if needed else "", whole["description"], example


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a template with its dotted path, in the words that people write."""
    from holdfast.config.explain import text

    if isinstance(tree, Mapping) and tree:
        words = _WORDS.get(path.rpartition(".")[2], {})
        for key, value in tree.items():
            word = str(words.get(key, key))
            yield from _flat(value, f"{path}.{word}" if path else word)
    elif isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        for index, item in enumerate(tree):
            yield from _flat(item, f"{path}.{index}")
    else:
        yield path, text(tree)


_WORDS = {
    "enroll": {"start": "from", "length": "for"},
    "observed": {"start": "from", "until": "to"},
    "window": {"start": "after", "length": "for"},
    "looks": {"start": "from"},
}
