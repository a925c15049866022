"""What is done to customers to keep them: a closed set of tactic types, each with its own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator

from holdfast.model.source import FORBID
from holdfast.model.values import Duration, Effect, FactRef

Stage = Literal["awareness", "engagement", "conversion", "retention", "advocacy"]
ChurnDriver = Literal[
    "low_engagement",
    "support",
    "competition",
    "onboarding",
    "price",
    "billing",
    "changed_needs",
    "quality",
    "limited_choice",
    "negative_word_of_mouth",
    "poor_experience",
    "delivery_and_returns",
    "values",
    "boredom",
]
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

NOTHING = "nothing"
"""The tactic of a control group that gets nothing."""
SAME_AS_TODAY = "same_as_today"
"""The tactic of a control group that keeps the present experience."""
RESERVED = (NOTHING, SAME_AS_TODAY)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What an incentive gives."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    discount: str | None = None
    """A percentage or an amount, such as 10% or 500 JPY."""
    match: str | None = None
    """How much is added to each unit that the customer gives, such as 2:1."""
    minimum_basket: Effect | None = None
    """The smallest basket that it can be used on."""
    expires_after: Duration | None = None
    """How long it is valid after assignment."""


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
    channel: Channel | None = None
    """How it reaches the customer."""


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


@dataclass(frozen=True, kw_only=True)
class ProductChange(TacticFields):
    """A change to the product itself."""

    type: Literal["product_change"]
    surface: str
    """Where it shows."""
    change: str
    """What is different."""


@dataclass(frozen=True, kw_only=True)
class Custom(TacticFields):
    """Anything else, with a label and free fields."""

    type: Literal["custom"]
    label: str
    """What kind of tactic it is."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Whatever describes it."""


Tactic = Annotated[Incentive | OnboardingChange | PersonalisedEmail | ProductChange | Custom, Discriminator("type")]
