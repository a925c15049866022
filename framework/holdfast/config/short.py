"""The short form of an experiment, after its layers are merged: two equal variants from `tactic:` and `control:`,
tactics written in place, and segments named in the audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from holdfast.config import desugar
from holdfast.config.marks import START, Map, Mark, Path, Seq, Sheet
from holdfast.config.words import clip
from holdfast.errors import nearest
from holdfast.model.predicate import Condition

CONTROL = "control"
TREATMENT = "treatment"
"""The key of the variant that gets the tactic, where only `tactic:` and `control:` are written."""
WEIGHT = 50
SEGMENT = "segment"
"""The key of an audience under which segments are named."""
NOT_FIELDS = {"extends", "tactic", "control"}
"""Words of the file that the types do not have."""


@dataclass(slots=True)
class InPlace:
    """Tactics that an experiment writes itself, by the name that they get: where each stands, and its long form."""

    trees: dict[str, tuple[Path, Map]] = field(default_factory=dict)


def choose_form(sheet: Sheet, own: Map, merged: Map) -> Map:
    """The merged layers with either `variants` or `tactic` and `control`: the form that the experiment itself uses."""
    short = [key for key in ("tactic", "control") if key in own]
    if "variants" in own:
        for key in short:
            message = f"`{key}` is the short form of `variants`; keep one of them"
            sheet.add_at(own.key_marks[key], "two-forms", message)
        return merged.without({"tactic", "control"})
    if short or "tactic" in merged:
        return merged.without({"variants"}) if short or "variants" not in merged else merged
    return merged


def with_variants(sheet: Sheet, slug: str, tree: Map) -> tuple[Map, InPlace]:
    """The tree with its variants spelt out and every tactic named; what was written in place beside it."""
    found = InPlace()
    result = tree.without(NOT_FIELDS)
    if "variants" not in tree:
        variants, mark = _two_variants(sheet, slug, tree, found)
        result.put("variants", variants, mark)
    elif isinstance(tree["variants"], Map):
        variants = tree["variants"].without(set())
        for key, variant in tree["variants"].items():
            if isinstance(variant, Map):
                variants[key] = _named(sheet, variant, f"{slug}-{key}", ("variants", key, "tactic"), found)
        result["variants"] = variants
    return result, found


def _two_variants(sheet: Sheet, slug: str, tree: Map, found: InPlace) -> tuple[Map, Mark]:
    mark = tree.key_marks.get("tactic") or tree.key_marks.get("control") or START
    # a weight that nobody wrote has a place for findings, but no file
    plain = Mark(mark.line, mark.column)
    control, treatment = Map(plain), Map(plain)
    for variant in (control, treatment):
        variant.put("weight", WEIGHT, plain)
    control.put("is_control", True, plain)
    _control(sheet, slug, tree, control, found)
    if "tactic" in tree:
        treatment.put("tactic", tree["tactic"], tree.key_marks["tactic"], tree.value_marks["tactic"])
        treatment = _named(sheet, treatment, slug, ("tactic",), found)
    else:
        _missing(sheet, "tactic", "tactic: winback-voucher-10", mark, treatment)
    variants = Map(mark)
    variants.put(CONTROL, control, tree.key_marks.get("control", plain))
    variants.put(TREATMENT, treatment, tree.key_marks.get("tactic", plain))
    return variants, mark


def _control(sheet: Sheet, slug: str, tree: Map, variant: Map, found: InPlace) -> None:
    """Fill the control variant from `control: nothing` or `control: {tactic: general-newsletter}`."""
    if "control" not in tree:
        mark = tree.key_marks.get("tactic", START)
        _missing(sheet, "control", "control: nothing", mark if mark.file == sheet.path else START, variant)
        return
    control, key_mark, mark = tree["control"], tree.key_marks["control"], tree.value_marks["control"]
    if not isinstance(control, Map):
        variant.put("tactic", control, key_mark, mark)
        return
    for key, value in control.items():
        if key in {"weight", "is_control"}:
            message = f"two variants of the short form are equal; for `{key}` write `variants` instead"
            sheet.add_at(control.key_marks[key], "two-forms", message)
        else:
            variant.put(key, value, control.key_marks[key], control.value_marks[key])
    named = _named(sheet, variant, f"{slug}-{CONTROL}", ("control", "tactic"), found)
    variant["tactic"] = named.get("tactic")
    if "tactic" not in control:
        _missing(sheet, "tactic", "tactic: general-newsletter", key_mark, variant)


def _missing(sheet: Sheet, name: str, line: str, mark: Mark, variant: Map) -> None:
    sheet.add_at(mark, "missing-field", f"`{name}` is missing; add a line such as `{line}`")
    sheet.unreadable.add(("variants", CONTROL if variant.get("is_control") else TREATMENT))
    variant.put("tactic", "nothing" if variant.get("is_control") else "same_as_today", mark)


def _named(sheet: Sheet, variant: Map, name: str, path: Path, found: InPlace) -> Map:
    """The variant with its tactic by name; one that is written in place gets the name and is kept."""
    tactic = variant.get("tactic")
    if not isinstance(tactic, Map):
        return variant
    found.trees[name] = (path, desugar.tactic(sheet, tactic))
    result = variant.without(set())
    result["tactic"] = name
    return result


def with_audience(sheet: Sheet, tree: Map, segments: Mapping[str, Any], *, partial: bool) -> Map:
    """The tree whose audience holds the conditions of the segments that it names, each at its own place."""
    audience = tree.get("audience")
    if not isinstance(audience, Map) or SEGMENT not in audience:
        return tree
    names = audience[SEGMENT]
    mark = audience.value_marks[SEGMENT]
    listed = names if isinstance(names, Seq) else [names]
    flat = audience.without({SEGMENT})
    for index, name in enumerate(listed):
        where = names.marks[index] if isinstance(names, Seq) else mark
        if not isinstance(name, str):
            message = "`segment` is the name of a segment, or a list of names: segment: [lapsed, high_value]"
            sheet.add_at(where, "invalid-value", message)
        elif name not in segments:
            if not partial:
                sheet.add_at(where, "unknown-segment", f"unknown segment {clip(name)}{nearest(name, segments)}")
        else:
            _join_segment(sheet, flat, name, segments[name], where)
    result = tree.without(set())
    result["audience"] = flat
    return result


def _join_segment(sheet: Sheet, flat: Map, name: str, segment: Any, where: Mark) -> None:
    """Add the conditions of one segment; of two on one property, one must lie within the other, and holds."""
    for key, condition in segment.items() if isinstance(segment, Map) else ():
        narrower = _narrower(flat[key], condition) if key in flat else condition
        if narrower is None:
            there = segment.key_marks[key]
            own = flat.key_marks[key] if flat.key_marks[key].file == sheet.path else where
            message = (
                f"{clip(key)} is constrained by segment {clip(name)} too, differently ({there}); "
                "remove one of the two, or name another segment"
            )
            sheet.add_at(own, "audience-conflict", message)
        elif key not in flat or narrower is not flat[key]:
            flat.put(key, condition, segment.key_marks[key], segment.value_marks[key])


def _narrower(first: Any, second: Any) -> Any:
    """The one of two conditions that implies the other, the first when both do, or None."""
    try:
        one, other = Condition.parse(first), Condition.parse(second)
    except ValueError:
        return first  # what cannot be read is reported where it stands
    if one == other or _within(one, other):
        return first
    return second if _within(other, one) else None


def _within(inner: Condition, outer: Condition) -> bool:
    """Whether everybody who meets one condition meets the other, as far as ranges and lists of values can tell."""
    if inner.negated or outer.negated:
        return False
    if inner.any_of and outer.any_of:
        return set(inner.any_of) <= set(outer.any_of)
    narrow, wide = _bounds(inner), _bounds(outer)
    return narrow is not None and wide is not None and wide[0] <= narrow[0] and narrow[1] <= wide[1]


def _bounds(condition: Condition) -> tuple[tuple[float, int], tuple[float, int]] | None:
    """Both ends of a range, each with the side of its number on which it lies; 0 when the number belongs to it."""
    if condition.low is not None and condition.high is not None:
        return (condition.low, 0), (condition.high, 0)
    if condition.comparison is None:
        return None
    operator, number = condition.comparison
    if operator.startswith(">"):
        return (number, int(operator == ">")), (inf, 0)
    return (-inf, 0), (number, -int(operator == "<"))
