"""Rules for tactics: each has what its type needs, and refers to things that exist."""

from __future__ import annotations

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import Known, check_fact, check_number
from holdfast.config.rules.limits import check_duration, check_money
from holdfast.config.rules.people import check_property_names
from holdfast.config.rules.sources import check_path
from holdfast.errors import nearest
from holdfast.model.tactic import (
    ExitOffer,
    FeedbackRequest,
    Incentive,
    LoyaltyProgramme,
    Offer,
    OnboardingChange,
    PersonalisedEmail,
    Referral,
    RenewalOutreach,
    SupportFields,
    SurpriseGift,
    Tactic,
    TriggeredFields,
)
from holdfast.model.values import Effect, FactRef, Share

_REWARDS = ("discount", "points", "gift", "cash_back", "upgrade", "match")


def check_tactic(known: Known, sheet: Sheet, path: Path, tactic: Tactic) -> None:
    """A tactic refers to facts, properties and purposes that exist, and its numbers can be meant."""
    _check_costs(known, sheet, path, tactic)
    _check_touches(sheet, path, tactic)
    _check_cap(known, sheet, path, tactic)
    _check_purposes(known, sheet, path, tactic)
    if tactic.media is not None:
        check_path(sheet, (*path, "media"), tactic.media)
    for word, offer in _offers(tactic):
        _check_offer(sheet, (*path, word), offer)
    for word, fact in _facts(tactic):
        check_fact(known, sheet, (*path, word), fact)
    _check_own_fields(known, sheet, path, tactic)


def offer_of(tactic: Tactic | None) -> Offer | None:
    """What customers are given by an incentive or an exit offer."""
    return tactic.offer if isinstance(tactic, Incentive | ExitOffer) else None


def _offers(tactic: Tactic) -> list[tuple[str, Offer]]:
    if isinstance(tactic, Incentive | ExitOffer):
        return [("offer", tactic.offer)]
    if isinstance(tactic, Referral):
        return [
            (word, offer)
            for word, offer in (("reward_giver", tactic.reward_giver), ("reward_friend", tactic.reward_friend))
            if offer is not None
        ]
    return []


def _facts(tactic: Tactic) -> list[tuple[str, FactRef]]:
    facts: dict[str, FactRef | None] = {}
    if isinstance(tactic, OnboardingChange):
        facts["activation"] = tactic.activation
    elif isinstance(tactic, TriggeredFields):
        facts |= {"trigger": tactic.trigger, "stop_when": tactic.stop_when}
    elif isinstance(tactic, ExitOffer | SupportFields):
        facts["trigger"] = tactic.trigger
    return [(word, fact) for word, fact in facts.items() if fact is not None]


def _check_own_fields(known: Known, sheet: Sheet, path: Path, tactic: Tactic) -> None:
    match tactic:
        case PersonalisedEmail():
            check_property_names(known, sheet, (*path, "personalised_by"), tactic.personalised_by)
        case LoyaltyProgramme():
            check_money(sheet, (*path, "fee"), tactic.fee)
            if (tactic.kind == "paid") != (tactic.fee is not None):
                message = (
                    "a paid programme has a fee; add a line such as `fee: 500 JPY`"
                    if tactic.kind == "paid"
                    else f"only a paid programme has a fee, this one is of kind {tactic.kind}; remove `fee`"
                )
                sheet.judge("loyalty-fee", (*path, "fee" if tactic.fee else "kind"), message)
        case TriggeredFields() | FeedbackRequest():
            check_duration(sheet, (*path, "delay"), tactic.delay, whole_days=False, zero=True)
        case SupportFields():
            check_duration(sheet, (*path, "within"), tactic.within, whole_days=False)
        case RenewalOutreach():
            check_money(sheet, (*path, "cost_per_contact"), tactic.cost_per_contact)
            if not 0 <= tactic.days_before_renewal <= 3660:
                message = f"`days_before_renewal` is {tactic.days_before_renewal}; it lies between 0 and 3660"
                sheet.judge("day-range", (*path, "days_before_renewal"), message)
        case SurpriseGift():
            check_money(sheet, (*path, "unit_cost"), tactic.unit_cost)
        case _:
            pass


def _check_offer(sheet: Sheet, path: Path, offer: Offer) -> None:
    if not offer.free_shipping and all(getattr(offer, word) is None for word in _REWARDS):
        message = (
            f"the offer gives nothing; say one of {', '.join((*_REWARDS, 'free_shipping'))}, such as {{discount: 10%}}"
        )
        sheet.judge("offer-empty", path, message)
    for word in ("discount", "cash_back", "unit_cost", "minimum_basket"):
        amount: Share | Effect | None = getattr(offer, word)
        check_money(sheet, (*path, word), amount)
        if isinstance(amount, Share) and not amount.value:
            sheet.judge("offer-empty", (*path, word), f"`{word}` is {amount}, which gives nothing")
    if offer.points is not None and offer.points < 1:
        sheet.judge("offer-empty", (*path, "points"), f"`points` is {offer.points}, which gives nothing")
    if offer.expires_after is not None:
        check_duration(sheet, (*path, "expires_after"), offer.expires_after, whole_days=False)


def _check_costs(known: Known, sheet: Sheet, path: Path, tactic: Tactic) -> None:
    if tactic.costs is None:
        return
    where = (*path, "costs")
    for word in ("per_send", "per_contact", "once"):
        check_money(sheet, (*where, word), getattr(tactic.costs, word))
    per_redemption = tactic.costs.per_redemption
    if isinstance(per_redemption, FactRef):
        check_number(known, sheet, (*where, "per_redemption"), per_redemption)
    else:
        check_money(sheet, (*where, "per_redemption"), per_redemption)


def _check_touches(sheet: Sheet, path: Path, tactic: Tactic) -> None:
    """Contacts follow each other, over channels that the tactic names."""
    last = 0
    for index, touch in enumerate(tactic.touches):
        where: Path = (*path, "touches", index)
        if not 0 <= touch.day <= 3660:
            sheet.judge("day-range", (*where, "day"), f"`day` is {touch.day}; days count from 0, the day of assignment")
        elif touch.day < last:
            sheet.judge(
                "touch-order", (*where, "day"), f"day {touch.day} comes after day {last}; list contacts in order"
            )
        last = max(last, touch.day)
        if tactic.channel and touch.channel not in tactic.channel:
            given = " and ".join(tactic.channel)
            message = f"this contact goes by {touch.channel}, the tactic by {given}; add {touch.channel} to `channel`"
            sheet.judge("touch-channel", (*where, "channel"), message)


def _check_cap(known: Known, sheet: Sheet, path: Path, tactic: Tactic) -> None:
    """No customer is reached more often than the channel allows."""
    channels = known.project.channels if known.project else {}
    for name, channel in channels.items():
        if channel.cap is None or channel.cap.contacts < 1 or not channel.cap.within.hours:
            continue
        days = sorted(touch.day for touch in tactic.touches if touch.channel == name)
        most = _most_within(days, channel.cap.within.hours)
        if most > channel.cap.contacts:
            message = (
                f"{most} contacts by {name} fall within {channel.cap.within}, but the project allows "
                f"{channel.cap.contacts}; leave some out, or spread them"
            )
            sheet.judge("contact-cap-exceeded", (*path, "touches"), message)


def _most_within(days: list[int], hours: int) -> int:
    """The largest number of days, of those in order, that fall within so many hours."""
    most = first = 0
    for last, day in enumerate(days):
        while (day - days[first]) * 24 >= hours:
            first += 1
        most = max(most, last - first + 1)
    return most


def _check_purposes(known: Known, sheet: Sheet, path: Path, tactic: Tactic) -> None:
    """Data of customers are used for what they agreed to."""
    if known.project is None:
        return
    allowed = known.project.purposes
    for index, use in enumerate(tactic.uses):
        if use not in allowed:
            message = (
                f'customers have not agreed to "{use[:60]}"{nearest(use, allowed)}; '
                "the purposes are in configs/project.yaml"
            )
            sheet.judge("data-use-not-consented", (*path, "uses", index), message)
    if isinstance(tactic, PersonalisedEmail) and tactic.personalised_by and not tactic.uses:
        names = ", ".join(name[:60] for name in tactic.personalised_by[:3])
        hint = nearest("", allowed)
        message = f"the content depends on {names}; say which purpose covers that{hint}: `uses: [purchase_history]`"
        sheet.judge("data-use-not-consented", (*path, "personalised_by"), message, at="key", rests_on=(*path, "uses"))
