"""How the error that a plan allows is spent over its looks: little at first, all of it by the end.

Amounts are logarithms inside, so that what an early look may spend is exact far below what a double can hold.
"""

from __future__ import annotations

import math
from typing import Literal

from scipy import special

Spending = Literal["obrien_fleming", "pocock", "power"]

RHO = 2.0
"""The exponent of the power family where none is given."""


def spent(fraction: float, *, alpha: float, spending: Spending, rho: float = RHO) -> float:
    """How much of the error alpha may be spent by the time that a share of the planned information is in.

    Args:
        fraction: the share of the planned information, 0 or more; 1 or more is the end.
        alpha: the error to spend on ONE side; half of it for each side of a two-sided test.
        spending: obrien_fleming waits for the end, pocock spends nearly evenly, power is in between.
        rho: exponent of `power`, above 0; 1 is even, 3 is near obrien_fleming.

    Formula, t = min(1, fraction): obrien_fleming 2 - 2 Phi(z_(1 - alpha/2) / sqrt(t)); pocock alpha log(1 + (e - 1) t);
    power alpha t^rho.
    Sources: Lan and DeMets (1983), Biometrika 70:659; Kim and DeMets (1987), Biometrika 74:149, for the powers.

    Raises:
        ValueError: for a fraction that is negative or not a number, an alpha outside (0, 1), or a rho that is not
            positive.

    >>> [round(spent(t, alpha=0.025, spending="obrien_fleming"), 6) for t in (0.25, 0.5, 0.75, 1)]
    [7e-06, 0.001525, 0.009649, 0.025]
    >>> [round(spent(0.5, alpha=0.025, spending=way), 6) for way in ("pocock", "power")]
    [0.015503, 0.00625]
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1")
    return math.exp(log_spent(fraction, log_alpha=math.log(alpha), spending=spending, rho=rho))


def log_spent(fraction: float, *, log_alpha: float, spending: Spending, rho: float = RHO) -> float:
    """The natural logarithm of `spent`; minus infinity for fraction 0.

    >>> round(log_spent(0.01, log_alpha=-3.6888794541, spending="obrien_fleming"), 3)  # a double ends at -745
    -254.532
    """
    if not fraction >= 0.0:
        raise ValueError(f"a share of the planned information is {fraction}; it is 0 or more")
    if not (math.isfinite(rho) and rho > 0.0):
        raise ValueError(f"rho is {rho}; it is positive")
    if fraction == 0.0:
        return -math.inf
    if fraction >= 1.0:
        return log_alpha
    if spending == "obrien_fleming":
        z = -float(special.ndtri_exp(log_alpha - math.log(2.0)))
        return math.log(2.0) + float(special.log_ndtr(-z / math.sqrt(fraction)))
    if spending == "pocock":
        return log_alpha + math.log(math.log1p(math.expm1(1.0) * fraction))
    if spending == "power":
        return log_alpha + rho * math.log(fraction)
    raise ValueError(f"no way of spending is called {spending}")


def log_difference(larger: float, smaller: float) -> float:
    """log(exp(larger) - exp(smaller)); minus infinity where nothing is left.

    >>> round(log_difference(-800.0, -801.0), 6)
    -800.458675
    """
    if larger <= smaller:
        return -math.inf
    return larger if math.isinf(smaller) else larger + math.log(-math.expm1(smaller - larger))
