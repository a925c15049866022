"""Maximum likelihood for models with a few positive parameters, and figures derived from them with their error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.joint import Quantity
from holdfast.stats.tails import critical

Array = npt.NDArray[np.float64]
Rows = Callable[[Array], tuple[Array, Array]]
"""Logs of the parameters to the log-likelihood of each row, and its gradients: one column a parameter."""

_REACH = 12.0
"""Parameters are looked for between exp(-12) and exp(12) times their scale: beyond, nothing tells them apart."""
_STEP = 1e-4
_UNKNOWN = 5.0
"""With a standard error above this on its logarithm, a factor of 150, a parameter is as good as unknown."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Positive parameters estimated by maximum likelihood."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    """The estimates, in the order of their names."""
    log_covariance: tuple[tuple[float, ...], ...]
    """Covariances of the logarithms of the estimates, from the observed information."""
    log_likelihood: float
    customers: int
    """Customers behind the estimates."""

    def __getitem__(self, name: str) -> float:
        """The estimate of one parameter."""
        return self.values[self.names.index(name)]

    @property
    def logs(self) -> Array:
        """Logarithms of the estimates."""
        return np.log(np.asarray(self.values, dtype=np.float64))

    def interval(self, name: str, *, confidence: float) -> Quantity:
        """One parameter with its interval: normal on the logarithm, so that it stays above 0."""
        place = self.names.index(name)
        estimate, error = self.values[place], math.sqrt(self.log_covariance[place][place])
        reach = min(critical(confidence=confidence, df=math.inf) * error, 600.0)
        low, high = estimate * math.exp(-reach), estimate * math.exp(reach)
        return Quantity(estimate, estimate * error, low, high, math.inf, confidence, "normal on the logarithm")


def maximise(
    rows: Rows, *, weights: Array, names: Sequence[str], scale: Sequence[float], start: Sequence[float]
) -> Fit | NotEstimable:
    """The parameters under which the counted rows are most probable.

    Args:
        rows: log-likelihood and gradients of every row, given the logs of the parameters.
        weights: customers in each row.
        names, scale: of the parameters; each is looked for around its scale.
        start: first guess, in units of the scale.

    Formula: L-BFGS-B on the logs with analytic gradients, finished by Newton steps; the information is the numerical
    derivative of the gradient.

    Returns:
        NotEstimable "no_convergence" where no maximum with curvature in every direction was found.
    """
    from scipy import optimize

    offset, total = np.log(np.asarray(scale, dtype=np.float64)), float(weights.sum())

    def objective(logs: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            value, slopes = rows(logs + offset)
            found = -float(weights @ value) / total, -(weights @ slopes) / total
        return found if math.isfinite(found[0]) and np.isfinite(found[1]).all() else (1e300, np.zeros(len(names)))

    first = np.log(np.asarray(start, dtype=np.float64))
    edges = [(-_REACH, _REACH)] * len(names)
    found = optimize.minimize(
        objective, first, jac=True, method="L-BFGS-B", bounds=edges, options={"maxiter": 1000, "maxfun": 2000}
    )
    logs = _finished(objective, np.asarray(found.x, dtype=np.float64))
    information = _curvature(objective, logs)
    if (np.abs(logs) > _REACH - 0.1).any() or not _settled(objective(logs)[1], information, total):
        return NotEstimable("no_convergence", "the data do not determine the parameters of the model")
    covariance = np.linalg.inv(information) / total
    parameters = np.exp(logs + offset)
    return Fit(
        names=tuple(names),
        values=tuple(parameters.tolist()),
        log_covariance=tuple(tuple(row) for row in covariance.tolist()),
        log_likelihood=-objective(logs)[0] * total,
        customers=round(total),
    )


def gradient(figure: Callable[[Array], Array], logs: Array) -> Array:
    """Derivatives of one or more figures by the logs of the parameters: one row a figure, one column a parameter."""
    steps = np.eye(len(logs)) * _STEP
    columns = [(figure(logs + step) - figure(logs - step)) / (2.0 * _STEP) for step in steps]
    return np.stack(columns, axis=-1)


def derived(
    figure: Callable[[Array], float], fit: Fit, *, confidence: float, positive: bool = True
) -> Quantity | NotEstimable:
    """A figure that follows from the parameters, with the error of the parameters carried over.

    Args:
        figure: logs of the parameters to the figure.
        confidence: two-sided, 0.95 for 95%.
        positive: whether the figure is above 0 by its nature; its interval is then made on its logarithm.

    Formula: delta method, g' V g with g the numerical gradient by the logs of the parameters; normal.

    Returns:
        NotEstimable "not_finite" where the figure or its error is infinite or missing.
    """
    logs, covariance = fit.logs, np.asarray(fit.log_covariance)
    with np.errstate(all="ignore"):
        estimate = float(figure(logs))
        slopes = gradient(lambda at: np.asarray(figure(at), dtype=np.float64), logs)
        error = math.sqrt(max(0.0, float(slopes @ covariance @ slopes))) if np.isfinite(slopes).all() else math.nan
    if not (math.isfinite(estimate) and math.isfinite(error)):
        return NotEstimable("not_finite", "the model gives no finite figure")
    reach, method = critical(confidence=confidence, df=math.inf) * error, "delta method"
    low, high = estimate - reach, estimate + reach
    if positive and estimate > 0.0:
        ratio, method = math.exp(min(reach / estimate, 600.0)), "delta method on the logarithm"
        low, high = estimate / ratio, estimate * ratio
    return Quantity(estimate, error, low, high, math.inf, confidence, method)


def _curvature(objective: Callable[[Array], tuple[float, Array]], logs: Array) -> Array:
    """Second derivatives of the objective."""
    found = gradient(lambda at: objective(at)[1], logs)
    half: Array = (found + found.T) / 2.0
    return half


def _finished(objective: Callable[[Array], tuple[float, Array]], logs: Array) -> Array:
    """The optimum after at most five Newton steps, each kept only where it is not uphill."""
    for _ in range(5):
        value, slope = objective(logs)
        information = _curvature(objective, logs)
        if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 0.0:
            break
        step = np.linalg.solve(information, slope)
        if np.abs(step).max() > 2.0 or objective(logs - step)[0] > value + 1e-12:
            break
        logs = logs - step
        if np.abs(step).max() < 1e-7:  # they converge quadratically, so that this one was exact
            break
    return logs


def _settled(slope: Array, information: Array, total: float) -> bool:
    """Whether this is a maximum: curved in every direction, by enough to know the parameters, and level."""
    if not np.isfinite(information).all():
        return False
    curvature = np.linalg.eigvalsh(information)
    if not curvature[0] * total > _UNKNOWN**-2:
        return False
    return float(slope @ np.linalg.solve(information, slope)) < 1e-12
