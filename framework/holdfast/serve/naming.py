"""Which experiment a flag's name stands for: one at a time, or an error that names them all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import combinations

from holdfast.model.flag import Flag
from holdfast.serve.evaluation import Instant, ReadyFlag

_ALWAYS = dt.datetime.max.replace(tzinfo=dt.UTC)


class Named:
    """The experiments that share a name, in the order of their start."""

    def __init__(self, flags: Iterable[ReadyFlag], *, clash: bool = False) -> None:
        self.clash = clash
        """Whether the name is taken twice at the same time, so that it stands for neither."""
        ready = list(flags)
        # An experiment without an enrolment, such as a finished one, never serves anybody.
        dated = sorted((item for item in ready if item.flag.opens), key=lambda item: _span(item.flag))
        self._flags = dated or ready[:1]
        self.only = self._flags[0] if len(self._flags) == 1 else None

    def at(self, now: Instant) -> ReadyFlag:
        """The experiment that is running; else the next one to start, else the last that was."""
        if self.only is not None:
            return self.only
        return next((item for item in self._flags if now < item.closes), self._flags[-1])


def named(flags: Iterable[Flag]) -> dict[str, Named]:
    """Every name by which flags can be asked, with what it stands for."""
    by_name: dict[str, list[Flag]] = {}
    for flag in flags:
        for name in flag.names:
            by_name.setdefault(name, []).append(flag)
    ready = {flag.experiment: ReadyFlag(flag) for sharing in by_name.values() for flag in sharing}
    found = {}
    for name, sharing in by_name.items():
        clash = _clash(name, sharing)
        shared = [ReadyFlag(clash)] if clash else [ready[flag.experiment] for flag in sharing]
        found[name] = Named(shared, clash=clash is not None)
    return found


def _clash(name: str, sharing: list[Flag]) -> Flag | None:
    """A flag that only says that the name is taken twice at the same time."""
    dated = [flag for flag in sharing if flag.opens]
    for one, other in combinations(dated, 2):
        (start, end), (later, last) = sorted([_span(one), _span(other)])
        if later < end and start < last:
            first, second = sorted((one.experiment, other.experiment))
            return Flag(
                experiment=first,
                names=(name,),
                problem=f'the flag "{name}" belongs to {first} and to {second}, which run at the same time; give one '
                "of them another flag, or ask by the experiment's own name",
            )
    return None


def _span(flag: Flag) -> tuple[dt.datetime, dt.datetime]:
    """From when until when the experiment serves."""
    return flag.opens or _ALWAYS, flag.closes or _ALWAYS
