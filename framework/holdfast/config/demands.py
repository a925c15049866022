"""What a project's files ask of the data: for each source the columns, with the place of everything that asks."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.config.asking import Asking
from holdfast.config.catalogue import Catalogue, read_whole, study_of
from holdfast.config.gathered import Gathered
from holdfast.model.demand import Demand
from holdfast.model.experiment import Experiment, MetricPlan
from holdfast.model.study import Study
from holdfast.model.values import MetricRef


def demands(catalogue: Catalogue, slugs: Iterable[str], *, unused: bool = False) -> tuple[Demand, ...]:
    """What experiments ask of each source that they read, in the order in which they meet it.

    Args:
        catalogue: the project.
        slugs: the experiments; their files are valid.
        unused: whether sources that none of them reads are listed too.

    Raises:
        ConfigError: an experiment's file is wrong.
    """
    gathered = Gathered(catalogue)
    for slug in slugs:
        reading = read_whole(catalogue, slug)
        Asking(gathered, catalogue, study_of(catalogue, slug, reading), reading).everything()
    if unused:
        nobody = study_of_nobody(catalogue)
        for name in catalogue.sources:
            gathered.source(nobody, None, name)
    return tuple(item.demand() for item in gathered.found.values())


def study_of_nobody(catalogue: Catalogue) -> Study:
    """A study without an experiment, through which sources can be read that no experiment names."""
    plan = MetricPlan(primary=MetricRef("none"))
    return Study(
        slug="",
        project=catalogue.project,
        experiment=Experiment(owner="", hypothesis="", variants={}, metrics=plan),
        sources=catalogue.sources,
        properties=catalogue.properties,
        segments=catalogue.segments,
        metrics={},
        tactics={},
        config_hash="",
        origins={},
        root=catalogue.root,
        files=catalogue.files,
    )
