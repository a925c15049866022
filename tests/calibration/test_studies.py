"""Every study keeps its promise; a failure is a finding, never a reason for another seed."""

from __future__ import annotations

import logging

import pytest

from tests.calibration.study import Study, all_studies, judge

LOG = logging.getLogger(__name__)


@pytest.mark.parametrize("study", all_studies(), ids=lambda study: f"{study.topic}-{study.method}-{study.seed}")
def test_rate(study: Study) -> None:
    found = judge(study, study.runs)
    LOG.info("%s, %s: %.4f", study.method, study.data, found.rate)
    assert found.ok, (
        f"{study.measures} {found.rate:.4f}, promised {study.nominal} ({found.low:.4f} to {found.high:.4f})"
    )


def test_only_studies_of_the_same_data_share_a_seed() -> None:
    studies = all_studies()
    units: dict[int, set[tuple[str, str]]] = {}
    for study in studies:
        units.setdefault(study.seed, set()).add((study.topic, study.data.split(",", maxsplit=1)[0]))
    assert [seed for seed, data in units.items() if len(data) > 1] == []
    assert len({(study.seed, study.method, study.data) for study in studies}) == len(studies)
