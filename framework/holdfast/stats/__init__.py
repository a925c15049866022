"""Estimates, intervals and tests over plain numbers: no data frame, no engine, no project type but results' own."""

from holdfast.stats.adjustment import Adjustment, adjusted, post_stratified
from holdfast.stats.after_stopping import Stopped, after_stopping, stagewise_tails
from holdfast.stats.always_valid import Alarm, always_valid, anytime_inflation, burn_in, harm_alarm, mixing, running_p
from holdfast.stats.arm import Arm, mean_arm, proportion_arm, ratio_arm
from holdfast.stats.balance import LARGE, Group, Omnibus, distance, omnibus, standardised_difference
from holdfast.stats.bayes import Posterior, Prior, SharePosterior, normal_posterior, prior_from_past, share_posterior
from holdfast.stats.cannibalisation import Cannibalisation, cannibalisation
from holdfast.stats.clustering import cluster_arm, cluster_arms
from holdfast.stats.competing import Incidence, cause_specific, cumulative_incidence, incidence_at
from holdfast.stats.contracts import contract_value, fit_contracts, projected_survival, surviving
from holdfast.stats.contrast import Interval, OneSided, difference, fieller_lift, non_inferiority, slack
from holdfast.stats.counted_value import project_counts
from holdfast.stats.customer_value import project_value
from holdfast.stats.decomposition import Factor, decompose
from holdfast.stats.economics import cost_per, lifetime_value, retained_share
from holdfast.stats.effect import Effect, absolute_effect, relative_effect
from holdfast.stats.group_sequential import Boundary, bounds, classical_constant, crossing, inflation
from holdfast.stats.hazard import hazard_ratio, proportional_hazards
from holdfast.stats.homogeneity import Homogeneity, homogeneity
from holdfast.stats.joint import difference_in, difference_ratio, linear, quotient
from holdfast.stats.lifetime import formula_projection, years_worth
from holdfast.stats.log_rank import LogRank, follow_up_difference, log_rank
from holdfast.stats.money import (
    Chance,
    Incremental,
    before_cost,
    break_even,
    cost_per_retained,
    coupon_break_even_lift,
    incremental,
    net_arm,
    probability_of_loss,
    project,
    redemption_break_even,
    return_on_cost,
)
from holdfast.stats.multiplicity import Selection, benjamini_hochberg, bonferroni
from holdfast.stats.portfolio import Pooled, as_effect, paule_mandel, pool, pool_groups
from holdfast.stats.power import detectable_difference, non_inferiority_power, non_inferiority_units
from holdfast.stats.proportion import koopman_lift, mn_difference, mn_non_inferiority, pooled_z, wilson
from holdfast.stats.pull_forward import Persistence, by_week, offer_and_total, persistence
from holdfast.stats.purchases import (
    Histories,
    alive,
    discounted_purchases,
    expected_purchases,
    fit_purchases,
    projected_purchases,
    purchase_rows,
)
from holdfast.stats.qini import qini
from holdfast.stats.quantile import Quantile, Ranks, quantile_arm, ranks
from holdfast.stats.segments import Interaction, Reversal, Shrinkage, interaction, reversal, shrink
from holdfast.stats.selection_bias import conditional_estimate, exaggeration, total_bias
from holdfast.stats.sequential_contrast import (
    Look,
    interval_at,
    look,
    precision,
    repeated_interval,
    repeated_p,
    sequential_effect,
    sequential_non_inferiority,
)
from holdfast.stats.sequential_split import SequentialSplit, sequential_split
from holdfast.stats.shares import equal_shares
from holdfast.stats.simultaneous import contrast_correlation, dunnett, simultaneous, stepwise
from holdfast.stats.spend import Spending, expected_spend, fit_spend, mean_spend, spend_rows
from holdfast.stats.srm import SrmTest, srm
from holdfast.stats.subtraction import tells_more
from holdfast.stats.survival import SurvivalCurve, kaplan_meier, rmst, survival_at
from holdfast.stats.survival_compare import survival_band, survival_difference, survival_lift
from holdfast.stats.tails import critical
from holdfast.stats.uplift import (
    autoc,
    boosted_learner,
    effect_model,
    effect_scores,
    linear_learner,
    targeting,
    toc_curve,
    trial,
)

__all__ = [
    "LARGE",
    "Adjustment",
    "Alarm",
    "Arm",
    "Boundary",
    "Cannibalisation",
    "Chance",
    "Effect",
    "Factor",
    "Group",
    "Histories",
    "Homogeneity",
    "Incidence",
    "Incremental",
    "Interaction",
    "Interval",
    "LogRank",
    "Look",
    "Omnibus",
    "OneSided",
    "Persistence",
    "Pooled",
    "Posterior",
    "Prior",
    "Quantile",
    "Ranks",
    "Reversal",
    "Selection",
    "SequentialSplit",
    "SharePosterior",
    "Shrinkage",
    "Spending",
    "SrmTest",
    "Stopped",
    "SurvivalCurve",
    "absolute_effect",
    "adjusted",
    "after_stopping",
    "alive",
    "always_valid",
    "anytime_inflation",
    "as_effect",
    "autoc",
    "before_cost",
    "benjamini_hochberg",
    "bonferroni",
    "boosted_learner",
    "bounds",
    "break_even",
    "burn_in",
    "by_week",
    "cannibalisation",
    "cause_specific",
    "classical_constant",
    "cluster_arm",
    "cluster_arms",
    "conditional_estimate",
    "contract_value",
    "contrast_correlation",
    "cost_per",
    "cost_per_retained",
    "coupon_break_even_lift",
    "critical",
    "crossing",
    "cumulative_incidence",
    "decompose",
    "detectable_difference",
    "difference",
    "difference_in",
    "difference_ratio",
    "discounted_purchases",
    "distance",
    "dunnett",
    "effect_model",
    "effect_scores",
    "equal_shares",
    "exaggeration",
    "expected_purchases",
    "expected_spend",
    "fieller_lift",
    "fit_contracts",
    "fit_purchases",
    "fit_spend",
    "follow_up_difference",
    "formula_projection",
    "harm_alarm",
    "hazard_ratio",
    "homogeneity",
    "incidence_at",
    "incremental",
    "inflation",
    "interaction",
    "interval_at",
    "kaplan_meier",
    "koopman_lift",
    "lifetime_value",
    "linear",
    "linear_learner",
    "log_rank",
    "look",
    "mean_arm",
    "mean_spend",
    "mixing",
    "mn_difference",
    "mn_non_inferiority",
    "net_arm",
    "non_inferiority",
    "non_inferiority_power",
    "non_inferiority_units",
    "normal_posterior",
    "offer_and_total",
    "omnibus",
    "paule_mandel",
    "persistence",
    "pool",
    "pool_groups",
    "pooled_z",
    "post_stratified",
    "precision",
    "prior_from_past",
    "probability_of_loss",
    "project",
    "project_counts",
    "project_value",
    "projected_purchases",
    "projected_survival",
    "proportion_arm",
    "proportional_hazards",
    "purchase_rows",
    "qini",
    "quantile_arm",
    "quotient",
    "ranks",
    "ratio_arm",
    "redemption_break_even",
    "relative_effect",
    "repeated_interval",
    "repeated_p",
    "retained_share",
    "return_on_cost",
    "reversal",
    "rmst",
    "running_p",
    "sequential_effect",
    "sequential_non_inferiority",
    "sequential_split",
    "share_posterior",
    "shrink",
    "simultaneous",
    "slack",
    "spend_rows",
    "srm",
    "stagewise_tails",
    "standardised_difference",
    "stepwise",
    "survival_at",
    "survival_band",
    "survival_difference",
    "survival_lift",
    "surviving",
    "targeting",
    "tells_more",
    "toc_curve",
    "total_bias",
    "trial",
    "wilson",
    "years_worth",
]
