"""The assignment hash, version 1: which variant a unit gets, the same in Python and in every engine.

The number is the first 13 hexadecimal digits (52 bits) of an MD5 digest, so that every engine holds it exactly, even
as a double. MD5 is used as a fast, portable mixing function, not for secrecy. Standard library only: a service that
asks "which variant?" pays for nothing else. docs/decisions/0001-hash.md says why; the vectors in
tests/contracts/hash_v1.csv pin it for ever.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal
from uuid import UUID

HASH_VERSION = 1
SPACE = 1 << 52
"""Hash values are integers in [0, SPACE)."""
DIGITS = 13
"""Hexadecimal digits of the digest that are used."""

_LEADING = struct.Struct(">Q").unpack_from
ID_RULE = "a unit id is a string, an integer or a UUID"

Purpose = Literal["traffic", "variant", "slot", "holdout", "block"]
UnitId = str | int | UUID


def unit_text(unit: UnitId) -> str:
    """The text of a unit id that is hashed: strings as they are, integers in decimal, UUIDs in lower case.

    Raises:
        TypeError: for floats, booleans, None and anything else whose text differs between engines.
        ValueError: for the empty string.
    """
    if isinstance(unit, bool) or not isinstance(unit, str | int | UUID):
        raise TypeError(f"{ID_RULE}, not {type(unit).__name__}")
    # An enumeration has a str() of its own, which differs between versions of Python: its value counts.
    text = str.__str__(unit) if isinstance(unit, str) else str(unit) if isinstance(unit, UUID) else int.__repr__(unit)
    if not text:
        raise ValueError("a unit id is empty")
    return text


def bucket(salt: str, purpose: Purpose, unit: UnitId) -> int:
    """The hash of a unit for one purpose: an integer in [0, 2**52).

    Separate purposes ("traffic", "variant", ...) are independent draws from the same salt.

    >>> bucket("winback-1", "variant", "customer-17")
    3763941586337812
    """
    digest = hashlib.md5(f"{salt}:{purpose}:{unit_text(unit)}".encode(), usedforsecurity=False)
    return int(digest.hexdigest()[:DIGITS], 16)


def drawer(salt: str, purpose: Purpose) -> Callable[[bytes], int]:
    """`bucket` for one salt and purpose as a function of the unit's text in UTF-8: for a service that asks often.

    >>> drawer("winback-1", "variant")(b"customer-17") == bucket("winback-1", "variant", "customer-17")
    True
    """
    begun = hashlib.md5(f"{salt}:{purpose}:".encode(), usedforsecurity=False).copy

    def draw(unit: bytes) -> int:
        digest = begun()
        digest.update(unit)
        # 13 hexadecimal digits are the leading 52 of 64 bits.
        leading: int = _LEADING(digest.digest())[0]
        return leading >> 12

    return draw


def share_limit(share: str | Decimal) -> int:
    """The bound below which a hash falls into a share: floor(share * 2**52), from the exact decimal text.

    >>> share_limit("0.5") == SPACE // 2
    True
    """
    above, below = Decimal(share).as_integer_ratio()
    return above * SPACE // below


def variant_limits(weights: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The upper bound (exclusive) of each variant in hash space, in the order of the file.

    A unit gets the first variant whose bound is above its hash. Bounds are exact integers:
    floor(2**52 * (w1 + ... + wk) / sum(w)).
    """
    total = sum(weights.values())
    if total <= 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("weights are not negative, and at least one is positive")
    limits, upto = [], 0
    for variant, weight in weights.items():
        upto += weight
        limits.append((variant, SPACE * upto // total))
    return tuple(limits)


def pick(hash_value: int, limits: Sequence[tuple[str, int]]) -> str:
    """The first variant whose bound is above the hash."""
    for variant, limit in limits:
        if hash_value < limit:
            return variant
    raise ValueError(f"{hash_value} is not a hash of version {HASH_VERSION}")


def variant_of(salt: str, unit: UnitId, weights: Mapping[str, int], traffic: str | Decimal = "1") -> str | None:
    """The variant of a unit, or None when it is outside the experiment's traffic.

    >>> variant_of("winback-1", "customer-17", {"control": 50, "voucher": 50})
    'voucher'
    """
    limit = share_limit(traffic)
    if limit < SPACE and bucket(salt, "traffic", unit) >= limit:
        return None
    return pick(bucket(salt, "variant", unit), variant_limits(weights))
