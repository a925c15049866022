"""Analyse one table of one row a customer, without a project. Run it from this folder: python analyze_frame.py"""

import pandas as pd

import holdfast

customers = pd.read_csv("vouchers.csv")

analysis = holdfast.analyze_frame(
    customers,
    unit="customer_id",
    variant="group",
    control="letter",
    metrics=["sum:revenue", "conversion:bought", "ratio:revenue/orders", "conversion:unsubscribed"],
    guardrails={"unsubscribed": "1pt"},
    lower_is_better=["unsubscribed"],
    covariates=["spent_before"],
    segments=["country"],
    money=["revenue", "revenue/orders"],
    missing="zero",
    currency="EUR",
    title="A voucher instead of a letter",
)

print(analysis.verdict.recommendation, analysis.verdict.reason)

difference = analysis["revenue"].difference
print(f"{difference.estimate:+.2f} EUR a customer ({difference.lower:+.2f} to {difference.upper:+.2f})")
print(f"without the covariate: {difference.unadjusted:+.2f} EUR")

print(analysis.to_pandas()[["metric", "estimand", "estimate", "lower", "upper", "p_adjusted", "state"]])
