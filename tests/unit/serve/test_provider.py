"""The provider, asked through the official SDK client: values, reasons, error codes and metadata."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import threading
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus

from holdfast import hashing
from holdfast.errors import UsageError
from holdfast.model.flag import FlagHoldout, FlagSlot, FlagVariant
from holdfast.serve import HoldfastProvider
from tests.unit.serve.conftest import END, MIDDLE, START, Connect, Flags, context, flag, payloads

CUSTOMERS = [f"customer-{number}" for number in range(400)]
WEIGHTS = {"control": 1, "new": 1}
MISMATCH = {"a": "TYPE_MISMATCH", "b": "TYPE_MISMATCH"}


def test_the_variant_is_that_of_the_hash(connect: Connect) -> None:
    client = connect(flag())
    served = {key: client.get_string_value("checklist", "tour", context(key)) for key in CUSTOMERS}
    assert served == {key: hashing.variant_of("checklist-1", key, WEIGHTS) for key in CUSTOMERS}
    assert set(served.values()) == {"control", "new"}


def test_weights_and_traffic_are_those_of_the_hash(connect: Connect) -> None:
    weights = {"control": 2, "new": 5, "other": 3}
    variants = tuple(FlagVariant(key=key, weight=n, is_control=key == "control") for key, n in weights.items())
    client = connect(flag(variants=variants, traffic=Decimal("0.3")))
    found = {key: client.get_string_details("checklist", "tour", context(key)) for key in CUSTOMERS}
    expected = {key: hashing.variant_of("checklist-1", key, weights, "0.3") for key in CUSTOMERS}
    assert {key: details.variant for key, details in found.items()} == expected
    out = [details for key, details in found.items() if expected[key] is None]
    assert len(out) > 200
    for details in out:
        assert (details.value, details.reason, details.error_code) == ("tour", Reason.DEFAULT, None)
        assert details.flag_metadata["left_out"] == "traffic"


def test_a_drawn_evaluation_says_all_about_itself(connect: Connect) -> None:
    details = connect(flag(version=3)).get_string_details("onboarding-checklist", "tour", context("customer-1"))
    assert details.reason == Reason.SPLIT
    assert details.error_code is None
    assert details.variant == details.value
    assert dict(details.flag_metadata) == {
        "experiment": "checklist",
        "version": 3,
        "variant": details.variant,
        "config_hash": "c" * 64,
        "hash_version": 1,
    }
    assert all(type(value) in {str, int, float, bool} for value in details.flag_metadata.values())


@pytest.mark.parametrize("attributes", [{"country": "JP"}, {}], ids=["drawn", "left out"])
def test_metadata_are_the_callers_own(connect: Connect, attributes: dict[str, Any]) -> None:
    """Plain values that can be written as JSON, and changed without harm to the next one."""
    client = connect(flag(audience={"country": "JP"}))
    first = client.get_string_details("checklist", "tour", context(**attributes)).flag_metadata
    before = json.dumps(first)
    assert isinstance(first, dict)
    first.clear()
    second = client.get_string_details("checklist", "tour", context(**attributes)).flag_metadata
    assert json.dumps(second) == before


def test_the_slug_and_the_flag_are_names_of_one_thing(connect: Connect) -> None:
    client = connect(flag())
    for key in CUSTOMERS[:50]:
        one, other = (
            client.get_string_value(name, "x", context(key)) for name in ("checklist", "onboarding-checklist")
        )
        assert one == other


def test_an_unknown_flag_names_the_nearest(connect: Connect) -> None:
    details = connect(flag()).get_boolean_details("checklst", True, context())
    assert (details.value, details.reason, details.error_code) == (True, Reason.ERROR, ErrorCode.FLAG_NOT_FOUND)
    assert details.error_message == (
        'there is no flag "checklst", did you mean "checklist"? (known: checklist, onboarding-checklist)'
    )


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_targeting_key_nobody_is_drawn(connect: Connect, key: str | None) -> None:
    client = connect(flag())
    details = client.get_string_details("checklist", "tour", context(key))
    assert (details.value, details.error_code) == ("tour", ErrorCode.TARGETING_KEY_MISSING)
    assert client.get_string_details("checklist", "tour").error_code == ErrorCode.TARGETING_KEY_MISSING


@pytest.mark.parametrize(("key", "text"), [(42, "42"), (UUID("0B5C1D20-0000-4000-8000-00000000000A"), None)])
def test_keys_of_other_kinds_are_hashed_as_their_text(connect: Connect, key: Any, text: str | None) -> None:
    found = connect(flag()).get_string_value("checklist", "tour", context(key))
    assert found == hashing.variant_of("checklist-1", text or "0b5c1d20-0000-4000-8000-00000000000a", WEIGHTS)


@pytest.mark.parametrize("key", [4.5, True, b"bytes", "lone \ud800 surrogate"])
def test_a_key_that_has_no_one_text_is_refused_without_being_shown(connect: Connect, key: Any) -> None:
    details = connect(flag()).get_string_details("checklist", "tour", context(key))
    assert (details.value, details.error_code) == ("tour", ErrorCode.INVALID_CONTEXT)
    assert str(key) not in str(details.error_message)


class TestWhoIsLeftOut:
    """The caller's default, reason DEFAULT, and why in the metadata."""

    @staticmethod
    def reason(connect: Connect, key: str = "customer-1", /, **design: Any) -> tuple[Any, Any, Any]:
        attributes = design.pop("attributes", {})
        details = connect(flag(**design)).get_string_details("checklist", "tour", context(key, **attributes))
        if details.reason == Reason.SPLIT:
            return Reason.SPLIT, None, None
        assert details.value == "tour"
        assert details.variant is None
        assert details.error_code is None
        return details.reason, details.flag_metadata["left_out"], details.flag_metadata.get("left_out_by")

    @pytest.mark.parametrize(
        ("attributes", "by"),
        [
            ({"country": "JP", "orders": 3}, None),
            ({"country": "US", "orders": 3}, "country"),
            ({"country": "JP", "orders": 2}, "orders"),
            ({"country": "JP"}, "orders"),
            ({}, "country"),
        ],
    )
    def test_the_audience(self, connect: Connect, attributes: dict[str, Any], by: str | None) -> None:
        found = self.reason(connect, audience={"country": "JP", "orders": ">= 3"}, attributes=attributes)
        assert found == ((Reason.DEFAULT, "audience", by) if by else (Reason.SPLIT, None, None))

    def test_a_derived_property_is_one_more_attribute(self, connect: Connect) -> None:
        design = {"audience": {"days_since_last_order": "55..65"}}
        assert self.reason(connect, attributes={"days_since_last_order": 60}, **design)[0] == Reason.SPLIT
        assert self.reason(connect, attributes={"days_since_last_order": 66}, **design)[1] == "audience"

    @pytest.mark.parametrize(
        ("attributes", "out"), [({"is_test": True}, True), ({"is_test": False}, False), ({}, False)]
    )
    def test_units_that_never_take_part(self, connect: Connect, attributes: dict[str, Any], out: bool) -> None:
        found = self.reason(connect, exclude={"is_test": True}, attributes=attributes)
        assert found == ((Reason.DEFAULT, "excluded", "is_test") if out else (Reason.SPLIT, None, None))

    @pytest.mark.parametrize(
        ("attributes", "out"), [({"email_opt_in": True}, False), ({"email_opt_in": False}, True), ({}, True)]
    )
    def test_those_who_did_not_consent(self, connect: Connect, attributes: dict[str, Any], out: bool) -> None:
        found = self.reason(connect, consents=("email_opt_in",), attributes=attributes)
        assert found == ((Reason.DEFAULT, "consent", "email_opt_in") if out else (Reason.SPLIT, None, None))

    def test_a_slot_of_another_experiment(self, connect: Connect) -> None:
        for low, high in (("0", "0.5"), ("0.5", "1"), ("0.2", "0.4")):
            slot = FlagSlot(name="offers", salt="offers-1", low=Decimal(low), high=Decimal(high))
            for key in CUSTOMERS[:60]:
                place = hashing.bucket("offers-1", "slot", key)
                inside = hashing.share_limit(low) <= place < hashing.share_limit(high)
                expected = (Reason.SPLIT, None, None) if inside else (Reason.DEFAULT, "exclusion_group", "offers")
                assert self.reason(connect, key, slot=slot) == expected

    @pytest.mark.parametrize(
        ("start", "end", "running"),
        [
            (START - dt.timedelta(days=30), None, True),
            (MIDDLE, None, True),
            (MIDDLE + dt.timedelta(seconds=1), None, False),
            (START, MIDDLE, False),
            (START, MIDDLE + dt.timedelta(seconds=1), True),
        ],
    )
    def test_a_holdout_while_it_runs(
        self, connect: Connect, start: dt.datetime, end: dt.datetime | None, running: bool
    ) -> None:
        holdout = FlagHoldout(name="global", salt="global-1", share=Decimal("0.2"), start=start, end=end)
        limit = hashing.share_limit("0.2")
        held = [key for key in CUSTOMERS if hashing.bucket("global-1", "holdout", key) < limit]
        assert 40 < len(held) < 130
        client = connect(flag(holdouts=(holdout,)))
        out = {
            key
            for key in CUSTOMERS
            if client.get_string_details("checklist", "x", context(key)).flag_metadata.get("left_out") == "holdout"
        }
        assert out == (set(held) if running else set())


class TestWhenItRuns:
    @pytest.mark.parametrize(
        ("now", "why"),
        [
            (START - dt.timedelta(microseconds=1), "not_started"),
            (START, None),
            (END - dt.timedelta(microseconds=1), None),
            (END, "over"),
        ],
    )
    def test_from_the_enrolment_to_the_readout(self, connect: Connect, now: dt.datetime, why: str | None) -> None:
        # Another zone's clock tells the same instants.
        for zone in (dt.UTC, dt.timezone(dt.timedelta(hours=9))):
            details = connect(flag(), now=now.astimezone(zone)).get_boolean_details("checklist", False, context())
            assert details.reason == (Reason.DISABLED if why else Reason.SPLIT)
            assert details.flag_metadata.get("left_out") == why
            assert details.error_code is None

    def test_without_a_readout_it_goes_on(self, connect: Connect) -> None:
        client = connect(flag(closes=None), now=END + dt.timedelta(days=3000))
        assert client.get_boolean_details("checklist", False, context()).reason == Reason.SPLIT

    def test_without_a_salt_nobody_is_assigned_yet(self, connect: Connect) -> None:
        details = connect(flag(salt=None)).get_string_details("checklist", "tour", context())
        assert (details.value, details.reason) == ("tour", Reason.DISABLED)
        assert details.flag_metadata["left_out"] == "not_assigned_yet"

    def test_a_clock_without_a_zone_is_refused(self) -> None:
        with pytest.raises(UsageError, match="time zone"):
            HoldfastProvider(Flags(flag()), clock=lambda: dt.datetime(2026, 3, 1))  # noqa: DTZ001


class TestWhatCannotBeEvaluated:
    def test_a_top_share_compares_customers(self, connect: Connect) -> None:
        client = connect(flag(audience={"spend": "top 20%"}))
        details = client.get_string_details("checklist", "tour", context(spend=10**9))
        assert (details.value, details.reason, details.error_code) == ("tour", Reason.ERROR, ErrorCode.GENERAL)
        assert "spend: top 20%" in str(details.error_message)

    def test_an_assignment_that_is_no_hash_says_so(self, connect: Connect) -> None:
        client = connect(flag(problem="is assigned in blocks"))
        details = client.get_boolean_details("checklist", True, context())
        assert (details.value, details.error_code) == (True, ErrorCode.GENERAL)
        assert details.error_message == "is assigned in blocks"

    def test_files_with_errors(self, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "holdfast.serve"):
            client = connect(flag(), flag(experiment="broken", names=("broken",), problem="has errors", readable=False))
        assert "broken" in caplog.text
        assert client.get_boolean_details("broken", True, context()).error_code == ErrorCode.PARSE_ERROR
        assert client.get_boolean_details("checklist", True, context()).reason == Reason.SPLIT
        # Its flag may have been the one that is asked for.
        assert "broken" in str(client.get_boolean_details("its-flag", True, context()).error_message)

    @pytest.mark.parametrize("value", ["many", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), float("nan"), [3]])
    def test_an_attribute_of_another_kind_is_named_but_never_shown(self, connect: Connect, value: Any) -> None:
        client = connect(flag(audience={"orders": ">= 3"}))
        details = client.get_string_details("checklist", "tour", context(orders=value))
        assert (details.value, details.error_code) == ("tour", ErrorCode.INVALID_CONTEXT)
        assert details.error_message == 'the attribute "orders" must be a number'

    def test_before_the_provider_is_ready(self, connect: Connect) -> None:
        begun, go_on = threading.Event(), threading.Event()

        class Slow(HoldfastProvider):
            def initialize(self, evaluation_context: EvaluationContext) -> None:
                begun.set()
                assert go_on.wait(10)

        provider = Slow(Flags(flag()), clock=lambda: MIDDLE)
        api.set_provider(provider)
        client = api.get_client()
        assert begun.wait(10)
        details = client.get_string_details("checklist", "tour", context())
        assert (details.value, details.error_code) == ("tour", ErrorCode.PROVIDER_NOT_READY)
        ready = threading.Event()
        client.add_handler(ProviderEvent.PROVIDER_READY, lambda _: ready.set())
        go_on.set()
        assert ready.wait(10)
        assert client.get_provider_status() == ProviderStatus.READY
        assert client.get_string_details("checklist", "tour", context()).reason == Reason.SPLIT
        api.clear_providers()


class TestClusters:
    def test_the_cluster_is_drawn_and_not_the_unit(self, connect: Connect) -> None:
        client = connect(flag(cluster="household", traffic=Decimal("0.6")))
        for number in range(100):
            found = {
                client.get_string_details("checklist", "x", context(f"c{member}", household=f"h{number}")).variant
                for member in range(3)
            }
            assert found == {hashing.variant_of("checklist-1", f"h{number}", WEIGHTS, "0.6")}
        assert client.get_string_details("checklist", "x", context("c1", household=7)).variant == hashing.variant_of(
            "checklist-1", 7, WEIGHTS, "0.6"
        )

    @pytest.mark.parametrize("household", [None, "", 4.5, True])
    def test_a_unit_without_a_cluster(self, connect: Connect, household: Any) -> None:
        details = connect(flag(cluster="household")).get_string_details("checklist", "x", context(household=household))
        assert details.error_code == ErrorCode.INVALID_CONTEXT
        assert '"household"' in str(details.error_message)


class TestOneNameForSeveral:
    """Two experiments may share a flag one after the other, never at the same time."""

    LATER = END + dt.timedelta(days=7)

    def second(self, start: dt.datetime) -> Any:
        return flag(
            experiment="summer",
            names=("summer", "onboarding-checklist"),
            salt="summer-1",
            opens=start,
            closes=start + dt.timedelta(days=60),
        )

    @pytest.mark.parametrize(
        ("now", "experiment", "reason"),
        [
            (START - dt.timedelta(days=1), "checklist", Reason.DISABLED),
            (MIDDLE, "checklist", Reason.SPLIT),
            (END, "summer", Reason.DISABLED),
            (LATER, "summer", Reason.SPLIT),
            (LATER + dt.timedelta(days=365), "summer", Reason.DISABLED),
        ],
    )
    def test_one_after_the_other(self, connect: Connect, now: dt.datetime, experiment: str, reason: Reason) -> None:
        for flags in ((flag(), self.second(self.LATER)), (self.second(self.LATER), flag())):
            details = connect(*flags, now=now).get_string_details("onboarding-checklist", "tour", context())
            assert (details.flag_metadata["experiment"], details.reason) == (experiment, reason)

    @pytest.mark.parametrize("start", [START, MIDDLE, END - dt.timedelta(seconds=1)])
    def test_at_the_same_time_it_is_neither(
        self, connect: Connect, start: dt.datetime, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "holdfast.serve"):
            client = connect(flag(), self.second(start))
        assert "onboarding-checklist" in caplog.text
        for key in CUSTOMERS[:20]:
            details = client.get_string_details("onboarding-checklist", "tour", context(key))
            assert (details.value, details.error_code) == ("tour", ErrorCode.GENERAL)
            assert "belongs to checklist and to summer" in str(details.error_message)
            # Each is still there under its own name.
            assert (
                client.get_string_details("checklist", "tour", context(key)).flag_metadata["experiment"] == "checklist"
            )
            assert client.get_string_details("summer", "tour", context(key)).error_code is None

    def test_a_slug_that_is_another_ones_flag(self, connect: Connect) -> None:
        client = connect(flag(), flag(experiment="onboarding-checklist", names=("onboarding-checklist",), salt="x-1"))
        details = client.get_string_details("onboarding-checklist", "tour", context())
        assert details.error_code == ErrorCode.GENERAL

    def test_a_finished_experiment_takes_no_name(self, connect: Connect) -> None:
        finished = flag(experiment="old", problem="is assigned by another system", opens=None, closes=None)
        details = connect(finished, flag()).get_string_details("onboarding-checklist", "tour", context())
        assert details.flag_metadata["experiment"] == "checklist"


class TestValues:
    def ask(self, connect: Connect, variants: tuple[FlagVariant, ...]) -> dict[str, dict[str, Any]]:
        """The value or error of each type, by variant."""
        client = connect(flag(variants=variants))
        calls: dict[str, Any] = {
            "boolean": (client.get_boolean_details, True),
            "string": (client.get_string_details, "mine"),
            "integer": (client.get_integer_details, -1),
            "float": (client.get_float_details, -1.5),
            "object": (client.get_object_details, {"mine": True}),
        }
        keys = {hashing.variant_of("checklist-1", key, {item.key: 1 for item in variants}): key for key in CUSTOMERS}
        found: dict[str, dict[str, Any]] = {}
        for kind, (call, default) in calls.items():
            details = {variant: call("checklist", default, context(key)) for variant, key in keys.items()}
            for variant, item in details.items():
                if item.error_code:
                    assert item.value == default
                else:
                    # Whatever the value, both variants count as drawn: both must reach the exposure log.
                    assert (item.reason, item.variant) == (Reason.SPLIT, variant)
            found[kind] = {
                str(variant): item.error_code.value if item.error_code else item.value
                for variant, item in sorted(details.items())
            }
        return found

    def test_without_a_payload(self, connect: Connect) -> None:
        assert self.ask(connect, payloads({}, {})) == {
            "boolean": {"a": False, "b": True},
            "string": {"a": "a", "b": "b"},
            "integer": MISMATCH,
            "float": MISMATCH,
            "object": MISMATCH,
        }

    def test_a_payload_of_several_fields(self, connect: Connect) -> None:
        assert self.ask(connect, payloads({}, {"code": "BACK10", "percent": 10})) == {
            "boolean": {"a": False, "b": True},
            "string": {"a": "a", "b": "b"},
            "integer": MISMATCH,
            "float": MISMATCH,
            "object": {"a": {"mine": True}, "b": {"code": "BACK10", "percent": 10}},
        }

    @pytest.mark.parametrize(
        ("one", "other", "fit"),
        [
            ("x", "y", {"string"}),
            (True, False, {"boolean"}),
            (3, 0, {"integer", "float"}),
            (0.5, 2, {"float"}),
            (1, True, set()),
            ("1", 1, set()),
        ],
    )
    def test_the_value_of_a_payload(self, connect: Connect, one: Any, other: Any, fit: set[str]) -> None:
        found = self.ask(connect, payloads({"value": one}, {"value": other, "more": 1}))
        for kind in ("boolean", "string", "integer", "float"):
            assert found[kind] == ({"a": one, "b": other} if kind in fit else MISMATCH)
        assert all(isinstance(value, float) for value in found["float"].values()) or "float" not in fit
        assert found["object"] == {"a": {"value": one}, "b": {"value": other, "more": 1}}

    def test_a_variant_without_a_value_gets_what_the_caller_does_today(self, connect: Connect) -> None:
        found = self.ask(connect, payloads({}, {"value": 7}))
        assert found["integer"] == {"a": -1, "b": 7}
        assert found["float"] == {"a": -1.5, "b": 7.0}
        assert found["string"] == found["boolean"] == MISMATCH

    def test_a_whole_number_is_a_good_default_of_a_float(self, connect: Connect) -> None:
        client = connect(flag(variants=payloads({}, {"value": 7}), traffic=Decimal("0.5")))
        for key in CUSTOMERS[:40]:
            details = client.get_float_details("checklist", 3, context(key))
            assert details.error_code is None
            assert details.value in {3.0, 7.0}

    def test_nobody_can_change_the_payload_of_the_next_one(self, connect: Connect) -> None:
        client = connect(flag(variants=payloads({"a": 1}, {"a": 1})))
        first = client.get_object_value("checklist", {}, context())
        assert isinstance(first, dict)
        first["a"] = 2
        assert client.get_object_value("checklist", {}, context()) == {"a": 1}

    def test_asked_by_coroutines(self, connect: Connect) -> None:
        client = connect(flag())
        details = asyncio.run(client.get_string_details_async("checklist", "tour", context("customer-1")))
        assert details.value == hashing.variant_of("checklist-1", "customer-1", WEIGHTS)
        assert details.reason == Reason.SPLIT
