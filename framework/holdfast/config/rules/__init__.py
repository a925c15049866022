"""What the types cannot say: names that must exist, values that must fit each other, and judgement."""

from holdfast.config.rules.table import RULES

__all__ = ["RULES"]
