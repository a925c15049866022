"""The numbers of this experiment for an analyst. Needs HOLDFAST_DATA; run it from the project: python
experiments/hillstrom-email/analysis.py
"""

from pathlib import Path

import holdfast

project = holdfast.open_project(Path(__file__).parent)
analysis = project.experiment("hillstrom-email").analyze()

print(analysis.verdict.recommendation, analysis.verdict.variant, analysis.verdict.reason)

table = analysis.to_pandas()
differences = table[table["estimand"] == "difference"]
print(differences[["metric", "variant", "baseline", "estimate", "lower", "upper", "p_adjusted"]].to_string(index=False))

print(analysis["spend", "mens_email"].trace())
