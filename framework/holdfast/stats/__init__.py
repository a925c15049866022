"""Estimates, intervals and tests over plain numbers: no data frame, no engine, no project type but `NotEstimable`."""

from holdfast.stats.arm import Arm, mean_arm, proportion_arm, ratio_arm
from holdfast.stats.balance import LARGE, Group, Omnibus, distance, omnibus, standardised_difference
from holdfast.stats.contrast import Interval, OneSided, difference, fieller_lift, non_inferiority
from holdfast.stats.economics import cost_per, lifetime_value, retained_share
from holdfast.stats.homogeneity import Homogeneity, homogeneity
from holdfast.stats.multiplicity import Selection, benjamini_hochberg, bonferroni
from holdfast.stats.power import detectable_difference, non_inferiority_power, non_inferiority_units
from holdfast.stats.proportion import koopman_lift, mn_difference, mn_non_inferiority, pooled_z, wilson
from holdfast.stats.sequential_split import SequentialSplit, sequential_split
from holdfast.stats.srm import SrmTest, srm

__all__ = [
    "LARGE",
    "Arm",
    "Group",
    "Homogeneity",
    "Interval",
    "Omnibus",
    "OneSided",
    "Selection",
    "SequentialSplit",
    "SrmTest",
    "benjamini_hochberg",
    "bonferroni",
    "cost_per",
    "detectable_difference",
    "difference",
    "distance",
    "fieller_lift",
    "homogeneity",
    "koopman_lift",
    "lifetime_value",
    "mean_arm",
    "mn_difference",
    "mn_non_inferiority",
    "non_inferiority",
    "non_inferiority_power",
    "non_inferiority_units",
    "omnibus",
    "pooled_z",
    "proportion_arm",
    "ratio_arm",
    "retained_share",
    "sequential_split",
    "srm",
    "standardised_difference",
    "wilson",
]
