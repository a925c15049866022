"""Rules for what an experiment does to customers: tactics as they are used in it."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.config.finished import DATA_SOURCE
from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import Known
from holdfast.config.rules.limits import CURRENCY
from holdfast.model.experiment import Experiment, Variant
from holdfast.model.tactic import MESSAGING, NOTHING, SAME_AS_TODAY, Channel, Incentive, Referral, Tactic
from holdfast.model.values import Effect


def check_treatments(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """What customers get is described, allowed, and paid for."""
    # a finished experiment that came as a file was sent long ago, by somebody else
    if experiment.assignment.source == DATA_SOURCE:
        return
    treated = list(_treated(known, experiment))
    _check_control(sheet, experiment, treated)
    _check_channels(known, sheet, treated)
    for key, _, tactic in treated:
        where: Path = ("variants", key, "tactic")
        if isinstance(tactic, Referral) and experiment.assignment.cluster is None:
            message = (
                "friends talk: a reward for bringing one reaches customers of the other variants too; randomise groups "
                "of friends as one with assignment.cluster, such as household"
            )
            sheet.judge("referral-interference", where, message, severity="warning")
        _check_currency(known, sheet, where, experiment, tactic)
    _check_incentives(sheet, experiment, treated)


def _treated(known: Known, experiment: Experiment) -> Iterator[tuple[str, Variant, Tactic]]:
    for key, variant in experiment.variants.items():
        tactic = known.tactics.get(variant.tactic)
        if tactic is not None:
            yield key, variant, tactic


def channels_of(tactic: Tactic) -> list[Channel]:
    """The channels that a tactic reaches out by."""
    used = dict.fromkeys((*tactic.channel, *(touch.channel for touch in tactic.touches)))
    if tactic.type == "personalised_email":
        used.setdefault("email")
    return [channel for channel in used if channel in MESSAGING]


def _check_control(sheet: Sheet, experiment: Experiment, treated: list[tuple[str, Variant, Tactic]]) -> None:
    by = next((channels_of(tactic) for _, item, tactic in treated if not item.is_control and channels_of(tactic)), [])
    for key, variant in experiment.variants.items():
        if by and variant.is_control and variant.tactic == SAME_AS_TODAY and not variant.title:
            message = (
                f"the others get a message by {by[0]}; same_as_today does not say what {key} gets: name its tactic, "
                f"write {NOTHING}, or add a title such as `title: The usual newsletter`"
            )
            sheet.judge("control-not-described", ("variants", key, "tactic"), message, rests_on=("variants",))


def _check_channels(known: Known, sheet: Sheet, treated: list[tuple[str, Variant, Tactic]]) -> None:
    """Whoever is written to has agreed to it, and can leave."""
    if known.project is None:
        return
    seen: set[str] = set()
    for key, _, tactic in treated:
        for channel in channels_of(tactic):
            if channel in seen:
                continue
            seen.add(channel)
            settings = known.project.channels.get(channel)
            where: Path = ("variants", key, "tactic")
            if settings is None or settings.consent is None:
                message = (
                    f"customers are reached by {channel}, and the project does not say who agreed to it; add to "
                    f"configs/project.yaml: channels: {{{channel}: {{consent: {channel}_opt_in}}}}"
                )
                sheet.judge("channel-without-consent", where, message)
            if settings is None or settings.unsubscribe is None:
                message = (
                    f"customers who leave {channel} are not counted, so nobody sees whom the messages drive away; add "
                    f"to channels.{channel} in configs/project.yaml: unsubscribe: messages.unsubscribe"
                )
                sheet.judge("channel-without-unsubscribe", where, message, severity="warning")


def _check_incentives(sheet: Sheet, experiment: Experiment, treated: list[tuple[str, Variant, Tactic]]) -> None:
    """An incentive is worth its price only when somebody says what the price is."""
    incentives = [(key, item, tactic) for key, item, tactic in treated if isinstance(tactic, Incentive)]
    for key, variant, tactic in incentives:
        if tactic.costs is None or all(getattr(tactic.costs, word) is None for word in ("per_send", "per_redemption")):
            message = (
                f'"{variant.tactic}" does not say what it costs; add to the tactic: '
                "costs: {per_redemption: orders.discount}, or an amount"
            )
            sheet.judge("incentive-without-costs", ("variants", key, "tactic"), message, severity="warning")
    if incentives and experiment.rollout is None:
        message = (
            "an incentive is given again and again; say to how many, so that the report can say what it earns: "
            "`rollout: {customers: 42000, every: 90d}`"
        )
        where: Path = ("variants", incentives[0][0], "tactic")
        sheet.judge("incentive-without-rollout", where, message, severity="warning", rests_on=("rollout",))


def _check_currency(known: Known, sheet: Sheet, path: Path, experiment: Experiment, tactic: Tactic) -> None:
    """Amounts of a tactic are in the money that its experiment counts in."""
    currency = experiment.currency or (known.project.currency if known.project else None)
    if currency is None or not CURRENCY.fullmatch(currency):
        return
    amounts: list[object] = []
    if tactic.costs is not None:
        amounts += [tactic.costs.per_send, tactic.costs.per_redemption, tactic.costs.per_contact, tactic.costs.once]
    if isinstance(tactic, Incentive):
        amounts += [tactic.offer.discount, tactic.offer.unit_cost, tactic.offer.cash_back, tactic.offer.minimum_basket]
    for amount in amounts:
        if isinstance(amount, Effect) and CURRENCY.fullmatch(amount.unit) and amount.unit != currency:
            message = f"the tactic speaks of {amount}, the experiment counts in {currency}; use one currency"
            sheet.judge("wrong-currency", path, message)
            return
