"""Every rule by its id, in one sentence each; which of them warn, and which leave room for judgement."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FILES = {
    "cannot-read": "A file that should be there can be read.",
    "wrong-extension": "Files end in .yaml; others would be passed over in silence.",
    "too-large": "A file is at most 1 MiB.",
    "wrong-encoding": "Files are saved as UTF-8.",
    "nul-byte": "Files hold no NUL bytes.",
    "control-character": "Files hold no control characters.",
    "too-many-findings": "What is wrong with a file can still be read.",
    "too-complex": "Nesting, aliases and the number of values stay within what a person writes.",
    "yaml-syntax": "Files are valid YAML.",
    "tab": "Indentation is made of spaces.",
    "unquoted-comparison": 'A comparison such as ">= 3" stands in quotes.',
    "yaml-tag": "Values carry no YAML tags.",
    "merge-key": "Merge keys (<<) are not used.",
    "unknown-alias": "An alias names an anchor that stands before it.",
    "alias-cycle": "An alias does not stand inside its own value.",
    "duplicate-key": "A key stands once in a mapping.",
    "key-not-text": "Keys are texts or whole numbers.",
    "ambiguous-number": "A number has no leading zero and fits into 64 bits.",
    "many-documents": "A file holds one document.",
    "not-a-mapping": "A file holds fields.",
}
_SHAPE = {
    "unknown-field": "Every field is one that the language knows.",
    "missing-field": "Every required field is there, such as the primary metric and the definition of retention.",
    "invalid-value": "A value is of the kind that its field takes; 12:30:45 and NO are texts, as in YAML 1.2.",
    "not-a-duration": "A length of time is a whole number with h, d or w.",
    "not-a-share": "A share is written in percent and lies between 0% and 100%.",
    "not-an-effect": "An effect or tolerance carries its unit: pt, %, a currency or days.",
    "not-a-fact": "A fact is written source.fact.",
    "not-a-metric": "A metric is written as its name, with @ and a duration for another window.",
    "not-a-condition": "A condition is a value, a list, a range, a comparison, none, top, or not one of these.",
    "two-forms": "Of two ways to say the same, one is used.",
    "listed-twice": "A list names nothing twice.",
    "bad-name": "Names are lower-case letters, digits and underscores; tactics, slugs and salts also . and -.",
    "duplicate-name": "A name stands for one thing in all files of its kind.",
    "todo-left": "Nothing is left to be filled in.",
    "env-outside-connection": "${env:NAME} stands in connection settings only.",
    "env-unset": "The variables that connection settings name are set.",
}
_LAYERS = {
    "unknown-template": "A template that is named exists.",
    "template-extends": "Templates do not extend templates.",
    "not-inherited": "What an edit of a list removes stands in the inherited list.",
    "guardrail-removed": "A guardrail of the template is left out knowingly; the report says so.",
    "audience-conflict": "An audience and its segments do not say different things of one property.",
}
_NAMES = {
    "unknown-source": "A source that is named exists.",
    "unknown-fact": "A fact that is named exists in its source, with a number where one is needed.",
    "unknown-property": "A property that is named is derived, or listed by its source.",
    "condition-never-holds": "A condition on a number is a number, a range or a comparison; on bands, one of them.",
    "unknown-segment": "A segment that is named exists.",
    "unknown-metric": "A metric that is named exists.",
    "unknown-tactic": "A tactic that is named exists.",
    "unknown-unit": "A unit that is named exists.",
    "unknown-channel": "A channel is one of those that tactics can have.",
    "unknown-variant": "A variant that is named exists.",
    "unknown-holdout": "A holdout that is named exists.",
    "unknown-exclusion-group": "An exclusion group that is named exists.",
}
_PROJECT = {
    "unknown-timezone": "A time zone is one of the IANA list.",
    "not-a-currency": "A currency is three capital letters.",
    "not-money": "A cost or a reward is an amount of money, zero or more.",
    "confidence-range": "Confidence lies between 50% and 99.99%.",
    "power-range": "Power lies between 50% and 99.99%.",
    "fdr-range": "The false discovery rate is above 0% and at most 50%.",
    "health-limits": "Limits of health checks lie between 0 and 1, and the stricter one blocks.",
    "minimum-cell": "The smallest cell that is shown holds at least one customer.",
    "cap-not-positive": "A contact cap allows at least one contact.",
    "connection-form": "Connection settings are those of its engine, and what it needs is there.",
    "connection-secret": "Passwords and tokens come from the environment, and stand in no file.",
    "assignment-store": "An assignment that is kept in the engine has a database, and a schema of its own.",
    "holdout-share": "A holdout is above 0% and at most 50% of the customers.",
}
_SOURCES = {
    "source-location": "A source has exactly one of table, path and sql.",
    "path-outside": "Paths are relative and stay inside their folder.",
    "source-keys": "A unit source has keys or says that each row is a unit; others have keys.",
    "text-columns": "A file of text or JSON lines says its columns, and only such a file does.",
    "wrong-grain": "A source is of the grain that its use needs.",
    "key-missing": "A source has a key for the unit whose numbers it gives.",
    "scale-out-of-range": "Digits after the point are 0 to 9.",
    "property-definition": "A derived property has what its operation needs: a fact, or the column of a date.",
    "property-window": "Sums, counts, averages and trends may have a window, of whole days; a trend must.",
    "bands-not-rising": "Bands rise, each from its number up to the next.",
    "segment-empty": "A segment has a condition.",
    "segment-not-here": "Segments are named in the audience of an experiment only, not within another segment.",
    "top-not-here": "`top 20%` stands in audience and segments only, where customers are compared with each other.",
}
_METRICS = {
    "churn-definition": "Churn has either fact and inactivity, or cancelled.",
    "inactivity-too-long": "Inactivity fits into the window that it closes.",
    "retention-window": "Retention on a day has that one day as window; on or after starts later than day 0.",
    "survival-definition": "Survival has either fact or ended, a window from assignment, and causes by reason.",
    "quantile-range": "A quantile lies between 0% and 100%, and is one of a number.",
    "clv-projection": "A projection says how many years ahead, and only a projection does.",
    "funnel-steps": "A funnel has at least two steps, each with its own name.",
    "ratio-mixed": "Both parts of a ratio are columns, or both are over events.",
    "winsorize-not-allowed": "Capping is for means: not for proportions, ratios and quantiles.",
    "winsorize-range": "Capping leaves at least half of the values, and caps some.",
    "complement-on-mean": "Only a proportion has a complement.",
    "window-empty": "A window ends after its start.",
    "window-missing": "A metric over events has a window, its own or one given with @.",
    "window-on-column": "A column has no window; it was measured already.",
    "window-ambiguous": "@ is used only where the window starts at assignment.",
    "offer-end": "A window that opens at the offer's end has an offer that ends, at one time.",
    "duration-range": "Lengths of time are longer than nothing and at most ten years.",
    "not-whole-days": "Windows and enrolment are whole days.",
}
_TACTICS = {
    "offer-empty": "An offer gives something.",
    "loyalty-fee": "A paid programme has a fee, and only a paid one does.",
    "day-range": "Days of contacts and before a renewal lie between 0 and 3660.",
    "touch-order": "Contacts are listed in the order of their days.",
    "touch-channel": "Contacts go by the channels that the tactic names.",
    "contact-cap-exceeded": "A tactic reaches nobody more often than the channel's cap allows.",
    "data-use-not-consented": "Data of customers are used only for the project's purposes, and the use is stated.",
}
_TREATMENTS = {
    "control-not-described": "Where others get a message, the experiment says what control gets.",
    "channel-without-consent": "A channel that reaches out names the property by which customers agreed to it.",
    "channel-without-unsubscribe": "A channel that reaches out names the fact of leaving it, for its guardrail.",
    "incentive-without-costs": "An incentive says what it costs for each send or redemption.",
    "incentive-without-rollout": "An incentive says how many customers it would reach if shipped.",
    "offer-outlasts-window": "The primary metric is read after the offer has ended, not before.",
    "no-after-offer-guardrail": "A guardrail looks at what follows an incentive, which may only move sales forward.",
    "referral-interference": "A referral is randomised by cluster, since friends of other variants hear of it.",
    "wrong-currency": "A tactic speaks of the money that its experiment counts in.",
}
_ASSIGNMENT = {
    "too-few-variants": "An experiment has at least two variants.",
    "one-control": "Exactly one variant is the control.",
    "weight-not-positive": "Weights are whole numbers; control and one treatment have units, 0 closes a treatment.",
    "id-not-folder": "The id is the folder's name.",
    "version-not-positive": "Versions count from 1.",
    "unit-missing": "Assignment knows its unit where the project has several.",
    "traffic-zero": "Somebody takes part.",
    "salt-reused": "No two experiments share a salt, nor two holdouts, nor two exclusion groups.",
    "slots-overlap": "Experiments of one exclusion group that enrol at the same time take slots that do not overlap.",
    "holdout-not-running": "A holdout runs while customers enter.",
    "assignment-mixed": "An assignment by Holdfast has no fields of an external one, and the other way round.",
    "balanced-form": "Balanced assignment deals whole batches, on a date or each day, in blocks of at most 1,000.",
    "stratum-not-banded": "A stratum is a property with few values, or one with bands.",
    "rerandomise-form": "A draw is repeated for numbers of a list known in full, and some draws are good enough.",
    "external-incomplete": "External assignment has a source, and either a variant column or rules.",
    "data-with-assignment": "`data` and `assignment` are not used together.",
    "variant-without-label": "Every variant has a label or a rule where these are used.",
    "known-after-assignment": "Audience, strata, segments and covariates are known before assignment.",
    "enroll-missing": "An assignment by Holdfast says when units enter.",
    "enroll-with-external": "External assignment has no enrolment; it happened already.",
    "enroll-form": "Enrolment is a date, or from and for with each, or from and for with at.",
    "dates-reversed": "Observation and holdouts end after their start.",
    "date-range": "Dates lie between 1990 and 2099.",
    "readout-too-early": "A stated readout is not earlier than last enrolment, longest window and freshness together.",
    "changed-after-start": "A started experiment changes with a new version only; `assign` compares it with its lock.",
}
_DECISION = {
    "metric-twice": "A metric has one part in the decision, and stands once in it.",
    "no-direction": "A metric that decides says which way is better.",
    "ratio-primary": "A ratio over buyers is not a comparison of randomised groups.",
    "primary-after-assignment": "The primary metric leaves out nobody by what they did after assignment.",
    "deprecated-primary": "The primary metric is not one that should no longer be used.",
    "descriptive-only": "Funnels and projections describe, and never decide.",
    "opens-or-clicks": "Opens and clicks never decide or filter: machines open mail and follow links too.",
    "sequential-open-window": "What decides in a sequential plan has a window that closes.",
    "tolerate-not-positive": "A tolerance is positive.",
    "tolerate-everything": "What is tolerated leaves something of a metric that should rise.",
    "wrong-unit": "An effect is in a unit that fits its metric.",
    "expect-zero": "The effect worth having is not zero, and goes the way that is better.",
    "guardrail-unreachable": "A guardrail can be passed at the planned size; `plan`, which reads the data, can tell.",
    "column-source": "A column metric knows the source of its column.",
    "assigned-at-missing": "Metrics with windows need the time of assignment.",
    "curve-form": "A curve has a fact and days, or points.",
    "curve-days": "Days of a curve are positive and rise.",
    "comparison-form": "A comparison is a pair of two different variants, control not among them.",
    "rollout-not-positive": "A rollout reaches somebody.",
    "ship-if-form": "A custom policy has conditions with readings, and only a custom policy has.",
    "ship-if-not-planned": "Conditions of a policy are about metrics that this experiment tests.",
    "unknown-rule": "A rule that is acknowledged exists.",
    "not-of-judgement": "Only rules of judgement can be acknowledged.",
    "acknowledge-reason": "Whoever acknowledges a rule says why.",
}

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Files and YAML": _FILES,
        "Fields and values": _SHAPE,
        "Templates and layers": _LAYERS,
        "Names": _NAMES,
        "The project": _PROJECT,
        "Sources, properties and segments": _SOURCES,
        "Metrics": _METRICS,
        "Tactics": _TACTICS,
        "What customers get": _TREATMENTS,
        "Variants, assignment and dates": _ASSIGNMENT,
        "What is measured, and what decides": _DECISION,
    }
)
"""The rules by what they are about."""
RULES: Mapping[str, str] = MappingProxyType({rule: text for rules in GROUPS.values() for rule, text in rules.items()})
"""What each rule asks for, by its id."""
WARNINGS = frozenset(
    {
        "env-unset",
        "guardrail-removed",
        "guardrail-unreachable",
        "channel-without-unsubscribe",
        "incentive-without-costs",
        "incentive-without-rollout",
        "no-after-offer-guardrail",
        "referral-interference",
        "holdout-not-running",
        "ratio-primary",
        "primary-after-assignment",
    }
)
"""Rules that warn; all others are errors."""
JUDGEMENT = frozenset(
    {
        "guardrail-unreachable",
        "control-not-described",
        "channel-without-consent",
        "channel-without-unsubscribe",
        "incentive-without-costs",
        "incentive-without-rollout",
        "offer-outlasts-window",
        "no-after-offer-guardrail",
        "referral-interference",
        "holdout-not-running",
        "ratio-primary",
        "primary-after-assignment",
        "deprecated-primary",
    }
)
"""Rules that an author may weigh and acknowledge, with a reason that the report prints."""
BY_COMMAND: Mapping[str, str] = MappingProxyType({"guardrail-unreachable": "plan", "changed-after-start": "assign"})
"""Rules that need more than the files: the command that says so."""
