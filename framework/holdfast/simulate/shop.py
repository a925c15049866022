"""The customer process: one local day after the other, from the state before midnight and that day's random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from holdfast.simulate.customers import CATEGORIES, ORDER_SPREAD, Customers
from holdfast.simulate.events import (
    APP,
    NEWSLETTER,
    PICKS_MAIL,
    SENT,
    UNSUBSCRIBE,
    WEB,
    WINBACK_MAIL,
    DayDraws,
    Events,
    Messages,
    Orders,
    Sessions,
    joined,
)
from holdfast.simulate.experiments import (
    ONBOARDING,
    ORDER_FACTORS,
    PICKS,
    PICKS_LOOKBACK,
    REVIVAL,
    SESSION_FACTORS,
    SIGN_UP_TASK,
    TRIALS,
    VOUCHER_DAYS,
    VOUCHER_MINIMUM,
    VOUCHER_PERCENT,
    WINBACK,
    WINBACK_RECENCY,
)
from holdfast.simulate.settings import DAY, Bools, Floats, Ints, ShopSettings, season, second_of_day

MAIL_SECOND = 7 * 3600
"""The local second of the day at which mails go out."""

_LAPSED_ORDERS, _LAPSED_SESSIONS = 0.05, 0.08
"""What is left of the rates of a customer who has lapsed."""
_REVIVAL_BY_ORDER = 0.25
"""The chance that an order makes a lapsed customer active again."""
_FIRST_ORDER_FACTORS = np.asarray([85.0] + [4.0] * 6)
"""New customers order their first basket early: factors by days since sign-up."""
_CATEGORY_MARGINS = np.asarray([0.35, 0.34, 0.33, 0.32, 0.31, 0.30])
_LOYALTY = 0.6
"""The share of baskets from the favourite category."""
_PROMOTED, _PROMOTION_PERCENT = 0.05, 5
_RETURNED = 0.04
_TASK = 0.05
_CHECKLIST_TASK_FACTOR = 1.5
_LEAVE_BY_CAMPAIGN = np.asarray([0.0022, 0.0028, 0.0020])
_LEAVE_BY_DAY = np.asarray([0.7, 0.2, 0.1])
"""When those who unsubscribe do so, by days since the mail."""
_SIGN_UP_DETAIL, _ORDER_DETAIL = 2, 3
"""Rows of the visit details that the sign-up visit and the visit of an order use."""


def known_customers(customers: Customers, day: int) -> int:
    """How many customers have signed up by the end of a day."""
    return int(np.searchsorted(customers.signed_up, (day + 1) * DAY))


@dataclass
class Journal:
    """The rows that each day adds."""

    orders: list[Orders] = field(default_factory=list)
    sessions: list[Sessions] = field(default_factory=list)
    messages: list[Messages] = field(default_factory=list)

    def events(self) -> Events:
        """All rows since the journal began, in the order of the days."""
        return Events(joined(Orders, self.orders), joined(Sessions, self.sessions), joined(Messages, self.messages))


class World:
    """One course of the shop; `treated` says for each experiment which customers would get its tactic."""

    def __init__(self, settings: ShopSettings, customers: Customers, treated: Mapping[str, Bools]) -> None:
        """Open the shop with no customer known yet."""
        n = customers.count
        self.settings = settings
        self.customers = customers
        self.treated = dict(treated)
        self.journal = Journal()
        self.signed_up_on = customers.signed_up // DAY
        self.active = np.ones(n, dtype=np.bool_)
        self.last_order = np.full(n, -1, dtype=np.int64)
        self.recent_orders = np.zeros(n, dtype=np.int64)
        self.unsubscribed = np.zeros(n, dtype=np.bool_)
        self.mailed_on = np.full(n, -1, dtype=np.int64)
        self.mailed_with = np.zeros(n, dtype=np.int64)
        self.enrolled_on = {trial.slug: np.full(n, -1, dtype=np.int64) for trial in TRIALS}
        self.under_tactic = {trial.slug: np.zeros(0, dtype=np.int64) for trial in TRIALS}
        self._picks_day = settings.day_of(PICKS.start)

    def fork(self, slug: str, *, treat: bool) -> World:
        """A copy of this world in which everybody, or nobody, whom one experiment enrols from now on is treated."""
        everybody = np.full(self.customers.count, treat, dtype=np.bool_)
        other = World(self.settings, self.customers, {**self.treated, slug: everybody})
        for name in ("active", "last_order", "recent_orders", "unsubscribed", "mailed_on", "mailed_with"):
            setattr(other, name, getattr(self, name).copy())
        other.enrolled_on = {key: value.copy() for key, value in self.enrolled_on.items()}
        other.under_tactic = dict(self.under_tactic)
        return other

    def step(self, day: int, draws: DayDraws) -> None:
        """Live through one day."""
        self._enrol(day, draws)
        self._send_mails(day, draws.count)
        lapsing = draws.lapse < self.customers.lapse_rate[: draws.count]
        self.active[: draws.count] &= ~lapsing
        orders = self._order(day, draws)
        self._visit(day, draws, orders)
        self._unsubscribe(day, draws)

    # --- enrolment: from the state before midnight

    def _enrol(self, day: int, draws: DayDraws) -> None:
        """Enrol whom each experiment's rule selects today."""
        signed_up_today = self.signed_up_on[: draws.count] == day
        mailable = self.customers.email_opt_in[: draws.count] & ~signed_up_today
        for trial in TRIALS:
            if not 0 <= day - self.settings.day_of(trial.start) < trial.days:
                continue
            if trial is ONBOARDING:
                eligible = signed_up_today
            elif trial is PICKS:
                eligible = mailable & (self.recent_orders[: draws.count] == 1)
            else:
                since = day - self.last_order[: draws.count]
                ordered = self.last_order[: draws.count] >= 0
                eligible = mailable & ordered & (since >= WINBACK_RECENCY[0]) & (since <= WINBACK_RECENCY[1])
            fresh = self.enrolled_on[trial.slug][: draws.count] < 0
            chosen = np.flatnonzero(eligible & fresh & ~self.customers.is_test[: draws.count])
            self.enrolled_on[trial.slug][chosen] = day
            begun = chosen[self.treated[trial.slug][chosen]]
            self.under_tactic[trial.slug] = np.concatenate([self.under_tactic[trial.slug], begun])
            if trial is WINBACK:
                self.active[begun] |= draws.revival[begun] < REVIVAL

    def _begun_today(self, slug: str, day: int) -> Ints:
        """The customers who get a tactic from today on."""
        rows = self.under_tactic[slug]
        today: Ints = rows[self.enrolled_on[slug][rows] == day]
        return today

    def _factors(self, tactics: Mapping[str, Floats], day: int, count: int) -> Floats:
        """What the tactics do to each customer's rate today; several effects multiply."""
        factors = np.ones(count, dtype=np.float64)
        for slug, by_day in tactics.items():
            rows = self.under_tactic[slug]
            since = day - self.enrolled_on[slug][rows]
            current = since < len(by_day)
            factors[rows[current]] *= by_day[since[current]]
        return factors

    # --- mails

    def _send_mails(self, day: int, count: int) -> None:
        """Send the monthly newsletter and the mails of the experiments."""
        picks = self._begun_today(PICKS.slug, day)
        newsletter = np.zeros(count, dtype=np.bool_)
        today = self.settings.date_of(day)
        if today.weekday() == 2 and today.day <= 7:
            newsletter = self.customers.email_opt_in[:count] & ~self.unsubscribed[:count]
            newsletter &= self.signed_up_on[:count] < day
        # The snapshot's control gets the newsletter, even those who left its list: one mail in either variant.
        newsletter |= self.enrolled_on[PICKS.slug][:count] == day
        newsletter[picks] = False
        sendings = ((NEWSLETTER, np.flatnonzero(newsletter)), (PICKS_MAIL, picks))
        for campaign, rows in (*sendings, (WINBACK_MAIL, self._begun_today(WINBACK.slug, day))):
            at = np.full(len(rows), day * DAY + MAIL_SECOND, dtype=np.int64)
            self.mailed_on[rows] = day
            self.mailed_with[rows] = campaign
            self.journal.messages.append(_messages(rows, at, SENT, self.mailed_with[rows], self.mailed_on[rows]))

    def _unsubscribe(self, day: int, draws: DayDraws) -> None:
        """Let some of those who got a mail in the last days leave the newsletter."""
        since = day - self.mailed_on[: draws.count]
        recent = (self.mailed_on[: draws.count] >= 0) & (since < len(_LEAVE_BY_DAY)) & ~self.unsubscribed[: draws.count]
        rows = np.flatnonzero(recent)
        chance = _LEAVE_BY_CAMPAIGN[self.mailed_with[rows]] * _LEAVE_BY_DAY[since[rows]]
        rows = rows[draws.leave[rows] < chance]
        # On the day of the mail nobody leaves before it has come.
        earliest = np.where(self.mailed_on[rows] == day, MAIL_SECOND + 1, 0)
        at = day * DAY + earliest + (draws.leave_time[rows] * (DAY - earliest)).astype(np.int64)
        self.unsubscribed[rows] = True
        sent_on = self.mailed_on[rows]
        self.journal.messages.append(_messages(rows, at, UNSUBSCRIBE, self.mailed_with[rows], sent_on))

    # --- orders

    def _order_rates(self, day: int, count: int) -> Floats:
        """The expected number of orders of each customer today."""
        rates = self.customers.order_rate[:count] * season(self.settings, day)
        rates *= np.where(self.active[:count], 1.0, _LAPSED_ORDERS)
        age = day - self.signed_up_on[:count]
        new = np.flatnonzero((age < len(_FIRST_ORDER_FACTORS)) & (self.last_order[:count] < 0))
        rates[new] *= _FIRST_ORDER_FACTORS[age[new]]
        result: Floats = rates * self._factors(ORDER_FACTORS, day, count)
        return result

    def _order(self, day: int, draws: DayDraws) -> Orders:
        """Draw today's orders, two at most for a customer."""
        rows, slot = _happenings(self._order_rates(day, draws.count), draws.order)
        alone = (slot == 0) | (self.last_order[rows] >= 0)  # the urge of the first basket does not make two
        rows, slot = rows[alone], slot[alone]
        time, category, promotion, returned, revival = draws.order_detail[slot, :, rows].T
        at = self._times(rows, day, time)
        favourite = category < _LOYALTY
        other = ((category - _LOYALTY) / (1 - _LOYALTY) * len(CATEGORIES)).astype(np.int64)
        category_number = np.where(favourite, self.customers.favourite[rows], other)
        logarithm = self.customers.basket[rows] + ORDER_SPREAD * draws.basket[slot, rows]
        gross = np.rint(np.exp(logarithm)).astype(np.int64)
        percent = self._discount_percent(day, rows, at, gross, promotion)
        discount = gross * percent // 100
        margin = np.rint(gross * _CATEGORY_MARGINS[category_number]).astype(np.int64) - discount
        orders = Orders(rows, at, gross - discount, discount, margin, category_number, returned < _RETURNED)
        self.journal.orders.append(orders)
        self._remember_orders(day, rows, revival)
        return orders

    def _discount_percent(self, day: int, rows: Ints, at: Ints, gross: Ints, promotion: Floats) -> Ints:
        """The discount of each basket: now and then a promotion, and the voucher where it is valid."""
        holds_voucher = np.zeros(self.customers.count, dtype=np.bool_)
        invited = self.under_tactic[WINBACK.slug]
        holds_voucher[invited] = day - self.enrolled_on[WINBACK.slug][invited] < VOUCHER_DAYS
        received = at >= self.enrolled_on[WINBACK.slug][rows] * DAY + MAIL_SECOND
        valid = holds_voucher[rows] & received & (gross >= VOUCHER_MINIMUM)
        return np.where(valid, VOUCHER_PERCENT, np.where(promotion < _PROMOTED, _PROMOTION_PERCENT, 0))

    def _remember_orders(self, day: int, rows: Ints, revival: Floats) -> None:
        """Update what later days depend on."""
        self.last_order[rows] = day
        if 0 < self._picks_day - day <= PICKS_LOOKBACK:
            np.add.at(self.recent_orders, rows, 1)
        self.active[rows[revival < _REVIVAL_BY_ORDER]] = True

    def _times(self, rows: Ints, day: int, uniform: Floats) -> Ints:
        """When today's events happen: on the day of the sign-up after it, otherwise by the hours of the shop."""
        signed_up = self.customers.signed_up[rows] - day * DAY
        left = DAY - 1 - signed_up
        after_sign_up = signed_up + 1 + np.floor(uniform * left).astype(np.int64)
        seconds = np.where(self.signed_up_on[rows] == day, after_sign_up, second_of_day(uniform))
        result: Ints = day * DAY + seconds
        return result

    # --- visits

    def _visit(self, day: int, draws: DayDraws, orders: Orders) -> None:
        """Draw today's visits: sign-ups, visits without an order, and the visit that each order ended."""
        count = draws.count
        rates = self.customers.session_rate[:count] * np.where(self.active[:count], 1.0, _LAPSED_SESSIONS)
        rates *= season(self.settings, day) * self._factors(SESSION_FACTORS, day, count)
        rows, slot = _happenings(rates, draws.visit)
        time = draws.visit_detail[slot, 0, rows]
        self._log_visits(day, draws, rows, slot, self._times(rows, day, time))

        first = np.maximum(day * DAY, self.customers.signed_up[orders.customer] + 1)
        before = 120 + (900 * draws.visit_detail[_ORDER_DETAIL, 0, orders.customer]).astype(np.int64)
        ordering = np.full(len(orders.customer), _ORDER_DETAIL, dtype=np.int64)
        self._log_visits(day, draws, orders.customer, ordering, np.maximum(first, orders.at - before))

        new = np.flatnonzero(self.signed_up_on[:count] == day)
        signing_up = np.full(len(new), _SIGN_UP_DETAIL, dtype=np.int64)
        self._log_visits(day, draws, new, signing_up, self.customers.signed_up[new], is_signup=True)

    def _log_visits(
        self, day: int, draws: DayDraws, rows: Ints, slot: Ints, at: Ints, *, is_signup: bool = False
    ) -> None:
        """Write down visits with their surface and whether a task was completed."""
        _, surface, task = draws.visit_detail[slot, :, rows].T
        has_checklist = self.treated[ONBOARDING.slug][rows] & (self.enrolled_on[ONBOARDING.slug][rows] == day)
        if is_signup:
            chance = np.where(has_checklist, SIGN_UP_TASK[True], SIGN_UP_TASK[False])
        else:
            chance = _TASK * np.where(has_checklist, _CHECKLIST_TASK_FACTOR, 1.0)
        self.journal.sessions.append(
            Sessions(
                customer=rows,
                at=at,
                surface=np.where(surface < self.customers.app_share[rows], APP, WEB),
                is_signup=np.full(len(rows), is_signup, dtype=np.bool_),
                task_completed=task < chance,
            )
        )


def _messages(rows: Ints, at: Ints, event: int, campaign: Ints, sent_on: Ints) -> Messages:
    """Message rows of one kind of event."""
    return Messages(rows, at, np.full(len(rows), event, dtype=np.int64), campaign, sent_on)


def _happenings(rates: Floats, uniform: Floats) -> tuple[Ints, Ints]:
    """The customers to whom something happens today, and whether it is their first (0) or second (1) time.

    A Poisson number by inversion, cut at two: a higher rate never takes an event away.
    """
    none = np.exp(-rates)
    first = np.flatnonzero(uniform >= none)
    second = first[uniform[first] >= none[first] * (1 + rates[first])]
    rows = np.concatenate([first, second])
    slot = np.concatenate([np.zeros(len(first), dtype=np.int64), np.ones(len(second), dtype=np.int64)])
    return rows, slot
