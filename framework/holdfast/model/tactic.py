"""What is done to customers to keep them: a closed set of tactic types, each with its own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator

from holdfast.model.source import FORBID, ChurnDriver
from holdfast.model.values import Duration, Effect, FactRef, Share

Stage = Literal["awareness", "engagement", "conversion", "retention", "advocacy"]
Channel = Literal[
    "email",
    "sms",
    "push",
    "in_app",
    "web",
    "phone",
    "post",
    "chat",
    "line",
    "whatsapp",
    "rcs",
    "social",
    "in_store",
    "none",
]
MESSAGING: tuple[Channel, ...] = ("email", "sms", "push", "phone", "post", "chat", "line", "whatsapp", "rcs")
"""Channels that reach out to a customer, and need consent."""

NOTHING = "nothing"
"""The tactic of a control group that gets nothing."""
SAME_AS_TODAY = "same_as_today"
"""The tactic of a control group that keeps the present experience."""
RESERVED = (NOTHING, SAME_AS_TODAY)
NOT_SAID = ""
"""Where nobody says what a variant got: a table of somebody else's, which only says who."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a tactic costs."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    per_send: Effect | None = None
    """For each message sent."""
    per_redemption: FactRef | Effect | None = None
    """For each use: an amount, or the fact that holds it, such as orders.discount."""
    per_contact: Effect | None = None
    """For each contact by a person."""
    once: Effect | None = None
    """Once, such as the design; never part of the effect per customer."""


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One contact of a sequence."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    day: int
    """Days after assignment."""
    channel: Channel
    """How it reaches the customer."""
    stop_when: str | None = None
    """What ends the sequence, such as ordered."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a customer is given."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    discount: Share | Effect | None = None
    """A percentage or an amount, such as 10% or 500 JPY."""
    free_shipping: bool = False
    """Whether delivery is free."""
    points: int | None = None
    """How many loyalty points."""
    gift: str | None = None
    """What is added to the order."""
    unit_cost: Effect | None = None
    """What one gift or upgrade costs."""
    cash_back: Share | Effect | None = None
    """What is paid back, as a percentage or an amount."""
    upgrade: str | None = None
    """The better plan or product."""
    match: str | None = None
    """How much is added to each unit that the customer gives, such as 2:1."""
    minimum_basket: Effect | None = None
    """The smallest basket that it can be used on."""
    expires_after: Duration | None = None
    """How long it is valid after assignment."""
    stackable: bool = False
    """Whether it can be combined with other offers."""


@dataclass(frozen=True, kw_only=True)
class TacticFields:
    """What all tactics share."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    title: str = ""
    """Words for the report; default: the name."""
    description: str = ""
    """What the customer sees."""
    stage: Stage | None = None
    """Where in the customer's life it works."""
    churn_drivers: tuple[ChurnDriver, ...] = ()
    """Which reasons for leaving it is meant to remove."""
    channel: tuple[Channel, ...] = ()
    """How it reaches the customer: one channel, or a list."""
    costs: Costs | None = None
    """What it costs."""
    touches: tuple[Touch, ...] = ()
    """The sequence of contacts, where there is more than one."""
    uses: tuple[str, ...] = ()
    """What the customer's data are used for; within the project's purposes."""
    media: str | None = None
    """A picture of what the customer saw, relative to the project."""
    payload: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """What a service or mailing tool needs to deliver it."""


@dataclass(frozen=True, kw_only=True)
class Incentive(TacticFields):
    """A reward for coming back or buying more."""

    type: Literal["incentive"]
    offer: Offer
    """What the customer gets."""


@dataclass(frozen=True, kw_only=True)
class OnboardingChange(TacticFields):
    """A change to the first days of a customer."""

    type: Literal["onboarding_change"]
    surface: str
    """Where it shows."""
    change: str
    """What is different."""
    flag: str | None = None
    """The feature flag that delivers it."""
    activation: FactRef | None = None
    """The fact that shows a customer has got started."""


@dataclass(frozen=True, kw_only=True)
class PersonalisedEmail(TacticFields):
    """An e-mail whose content depends on the customer."""

    type: Literal["personalised_email"]
    template: str
    """The template in the mailing tool."""
    personalised_by: tuple[str, ...] = ()
    """Properties that choose the content."""
    fallback: str = ""
    """What a customer without those properties gets."""
    subject: str = ""
    """The subject line."""


@dataclass(frozen=True, kw_only=True)
class LoyaltyProgramme(TacticFields):
    """A programme that rewards staying."""

    type: Literal["loyalty_programme"]
    kind: Literal["points", "tiers", "paid"]
    """How it rewards."""
    fee: Effect | None = None
    """What membership costs the customer."""
    earn: str = ""
    """How points or tiers are earned."""
    burn: str = ""
    """What they can be used for."""
    perks: tuple[str, ...] = ()
    """What members get."""
    partner: str = ""
    """Who else takes part."""


@dataclass(frozen=True, kw_only=True)
class Referral(TacticFields):
    """A reward for bringing a friend. Friends talk across variants: randomise by cluster, or expect interference."""

    type: Literal["referral"]
    reward_giver: Offer
    """What the customer gets."""
    reward_friend: Offer | None = None
    """What the friend gets."""


@dataclass(frozen=True, kw_only=True)
class TriggeredFields(TacticFields):
    """What tactics that follow an event share."""

    trigger: FactRef
    """The fact that starts it."""
    delay: Duration = Duration(0)
    """How long after the trigger."""
    stop_when: FactRef | None = None
    """The fact that ends it."""


@dataclass(frozen=True, kw_only=True)
class CartReminder(TriggeredFields):
    """A message about a cart that was left."""

    type: Literal["cart_reminder"]


@dataclass(frozen=True, kw_only=True)
class Retargeting(TriggeredFields):
    """Advertising to customers who looked and left."""

    type: Literal["retargeting"]


@dataclass(frozen=True, kw_only=True)
class ExitOffer(TacticFields):
    """An offer to a customer who is about to leave."""

    type: Literal["exit_offer"]
    surface: str
    """Where it shows."""
    trigger: FactRef
    """The fact that starts it, such as opening the cancellation page."""
    offer: Offer
    """What the customer gets."""


@dataclass(frozen=True, kw_only=True)
class SupportFields(TacticFields):
    """What tactics of the service desk share."""

    trigger: FactRef
    """The fact that starts it."""
    remedy: str
    """What is done."""
    within: Duration
    """How soon."""


@dataclass(frozen=True, kw_only=True)
class ServiceRecovery(SupportFields):
    """Making up for something that went wrong."""

    type: Literal["service_recovery"]


@dataclass(frozen=True, kw_only=True)
class ProactiveSupport(SupportFields):
    """Help before the customer asks."""

    type: Literal["proactive_support"]


@dataclass(frozen=True, kw_only=True)
class ResponseTime(SupportFields):
    """A faster answer."""

    type: Literal["response_time"]


@dataclass(frozen=True, kw_only=True)
class RenewalOutreach(TacticFields):
    """A contact before a contract ends."""

    type: Literal["renewal_outreach"]
    days_before_renewal: int
    """How long before the contract ends."""
    cost_per_contact: Effect | None = None
    """What one contact costs."""


@dataclass(frozen=True, kw_only=True)
class CrossSell(TacticFields):
    """A suggestion of something else to buy."""

    type: Literal["cross_sell"]
    recommender: str
    """What chooses the suggestion."""
    placement: str
    """Where it shows."""


@dataclass(frozen=True, kw_only=True)
class ChangeFields(TacticFields):
    """What changes to the product share."""

    surface: str
    """Where it shows."""
    change: str
    """What is different."""
    flag: str | None = None
    """The feature flag that delivers it."""
    kind: str = ""
    """What sort of change it is, in a word."""


@dataclass(frozen=True, kw_only=True)
class CheckoutChange(ChangeFields):
    """A change to the checkout."""

    type: Literal["checkout_change"]


@dataclass(frozen=True, kw_only=True)
class ProductChange(ChangeFields):
    """A change to the product itself."""

    type: Literal["product_change"]


@dataclass(frozen=True, kw_only=True)
class SelfService(ChangeFields):
    """Letting customers help themselves."""

    type: Literal["self_service"]


@dataclass(frozen=True, kw_only=True)
class Assistant(ChangeFields):
    """A chat or voice assistant."""

    type: Literal["assistant"]


@dataclass(frozen=True, kw_only=True)
class FeedbackRequest(TacticFields):
    """Asking for an opinion."""

    type: Literal["feedback_request"]
    ask: Literal["review", "survey", "nps"]
    """What is asked for."""
    delay: Duration = Duration(0)
    """How long after assignment."""


@dataclass(frozen=True, kw_only=True)
class SurpriseGift(TacticFields):
    """A gift that nobody expected."""

    type: Literal["surprise_gift"]
    item: str
    """What is given."""
    unit_cost: Effect
    """What one costs."""
    announced: bool = False
    """Whether customers are told beforehand."""


@dataclass(frozen=True, kw_only=True)
class TermsFields(TacticFields):
    """What changes of terms share."""

    before: str
    """The terms today. YAML: `from`."""
    after: str
    """The terms that are tried. YAML: `to`."""


@dataclass(frozen=True, kw_only=True)
class ReturnsPolicy(TermsFields):
    """Other terms for sending goods back."""

    type: Literal["returns_policy"]


@dataclass(frozen=True, kw_only=True)
class PriceChange(TermsFields):
    """Another price or plan."""

    type: Literal["price_change"]


@dataclass(frozen=True, kw_only=True)
class ContentFields(TacticFields):
    """What tactics of content share."""

    theme: str
    """What it is about."""
    format: str = ""
    """How it is told, such as article or video."""


@dataclass(frozen=True, kw_only=True)
class Content(ContentFields):
    """Something worth reading or watching."""

    type: Literal["content"]


@dataclass(frozen=True, kw_only=True)
class Community(ContentFields):
    """A place where customers meet."""

    type: Literal["community"]


@dataclass(frozen=True, kw_only=True)
class SocialProof(ContentFields):
    """What other customers say or do."""

    type: Literal["social_proof"]


@dataclass(frozen=True, kw_only=True)
class Education(ContentFields):
    """Help to get more out of the product."""

    type: Literal["education"]


@dataclass(frozen=True, kw_only=True)
class NewsletterInvite(ContentFields):
    """An invitation to the newsletter."""

    type: Literal["newsletter_invite"]


@dataclass(frozen=True, kw_only=True)
class Custom(TacticFields):
    """Anything else, with a label and free fields."""

    type: Literal["custom"]
    label: str
    """What kind of tactic it is."""
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Whatever describes it."""


Tactic = Annotated[
    Incentive
    | OnboardingChange
    | PersonalisedEmail
    | LoyaltyProgramme
    | Referral
    | CartReminder
    | Retargeting
    | ExitOffer
    | ServiceRecovery
    | ProactiveSupport
    | ResponseTime
    | RenewalOutreach
    | CrossSell
    | CheckoutChange
    | ProductChange
    | SelfService
    | Assistant
    | FeedbackRequest
    | SurpriseGift
    | ReturnsPolicy
    | PriceChange
    | Content
    | Community
    | SocialProof
    | Education
    | NewsletterInvite
    | Custom,
    Discriminator("type"),
]


def contact_days(tactic: Tactic, channel: str) -> tuple[int, ...]:
    """The days after assignment on which a tactic contacts a customer over a channel, in order.

    Without a sequence of touches, a tactic that uses the channel sends one message on day 0.
    """
    if not tactic.touches:
        return (0,) if channel in tactic.channel else ()
    return tuple(sorted(touch.day for touch in tactic.touches if touch.channel == channel))
