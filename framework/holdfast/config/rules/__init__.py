"""What the types cannot say: names that must exist, values that must fit each other, and judgement."""

from holdfast.config.rules.table import GROUPS, JUDGEMENT, RULES, WARNINGS

__all__ = ["GROUPS", "JUDGEMENT", "RULES", "WARNINGS"]
