"""Audience files: what a CRM tool must find in the file of a variant, and what became of an export."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

SCHEMA = "holdfast.export/1"

_TAG = 10
_DIGEST = 4
_MAILCHIMP_TAGS = frozenset(
    {
        *("ADDRESS", "ARCHIVE", "BIRTHDAY", "COMPANY", "DATE", "EMAIL", "FNAME", "FORWARD", "LIST", "LNAME", "PHONE"),
        *("REWARDS", "SUBJECT", "TRANSLATE", "UNIQID", "UNSUB", "UPDATE"),
    }
)
"""Merge tags that an audience has from the start, or that stand for something else in a campaign."""
_MAILCHIMP_NUMBERED = re.compile(r"M?MERGE[0-9]*")
_BRAZE_ATTRIBUTES = frozenset(
    {
        *("braze_id", "country", "date_of_first_session", "date_of_last_session", "dob", "email", "email_encrypted"),
        *("email_click_tracking_disabled", "email_open_tracking_disabled", "email_subscribe", "external_id"),
        *("first_name", "gender", "home_city", "language", "last_name", "phone", "push_subscribe"),
        *("subscription_group_id", "subscription_state", "time_zone", "user_alias_label", "user_alias_name"),
    }
)
"""Headers with which Braze overwrites a part of the user's profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What a tool asks of an audience file. docs/export.md names the sources."""

    name: str
    id_header: str
    id_pattern: str | None = None
    """What an id looks like as a whole, in the regular expressions of RE2; None: anything."""
    id_words: str = ""
    """The same in words, after "are not"."""
    ignores_case: bool = False
    """Whether the tool takes ids that differ in upper and lower case for one."""
    header_pattern: str = r"[^\W_][^\x00-\x1f]{0,254}"
    """What the header of the variant column may look like."""
    header_words: str = "a word or more that begins with a letter or digit, at most 255 characters"
    taken: frozenset[str] = frozenset()
    """Headers that mean something else to the tool."""

    def column(self, slug: str) -> str:
        """The header of the variant column when nobody names one: it tells experiments apart where a tool needs it."""
        if self.name == "braze":
            return "experiment_" + re.sub(r"[^a-z0-9]", "_", slug)
        return _merge_tag(slug) if self.name == "mailchimp" else "variant"

    def accepts(self, header: str) -> bool:
        """Whether the tool takes this header for a column of its own."""
        taken = header in self.taken or (self.name == "mailchimp" and _MAILCHIMP_NUMBERED.fullmatch(header) is not None)
        return header != self.id_header and not taken and re.fullmatch(self.header_pattern, header) is not None


def _merge_tag(slug: str) -> str:
    """The slug in the letters and digits of a merge tag; a long one keeps its beginning and gets digits of its digest,
    so that experiments whose names begin alike stay apart."""
    plain = re.sub(r"[^A-Z0-9]", "", slug.upper())
    if len(plain) <= _TAG and plain[:1].isalpha() and FORMATS["mailchimp"].accepts(plain):
        return plain
    digits = hashlib.sha256(slug.encode()).hexdigest()[:_DIGEST].upper()
    return ("X" + plain if plain[:1].isdigit() else plain)[: _TAG - _DIGEST] + digits


FORMATS: Mapping[str, Format] = {
    "csv": Format(name="csv", id_header="id"),
    "braze": Format(
        name="braze",
        id_header="external_id",
        id_pattern=r"""[^"\r\n]+""",
        id_words="ids that Braze can read: it rejects rows with double quotation marks or line breaks",
        header_pattern=r"[A-Za-z][A-Za-z0-9_-]{0,254}",
        header_words="a letter, then letters, digits, _ and -, and no field that Braze has already",
        taken=_BRAZE_ATTRIBUTES,
    ),
    "mailchimp": Format(
        name="mailchimp",
        id_header="Email Address",
        id_pattern=r"""[!#-'*+\-/-9=?A-Z^-~.]+@[^\s\p{Z}\p{C}@.,;:"<>()\[\]]+(\.[^\s\p{Z}\p{C}@.,;:"<>()\[\]]+)+""",
        id_words="e-mail addresses",
        ignores_case=True,
        header_pattern=r"[A-Z][A-Z0-9_]{0,9}",
        header_words="a capital letter, then at most 9 capital letters, digits and _, and no tag that Mailchimp uses",
        taken=_MAILCHIMP_TAGS,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceFile:
    """The file of one variant."""

    name: str
    """Its name in the folder."""
    variant: str
    is_control: bool
    rows: int
    """Units, without the header."""
    sha256: str
    header: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What one export wrote. No ids."""

    folder: Path
    slug: str
    version: int
    config_hash: str
    format: str
    id_column: str | None
    """The column of the unit's source that ids were taken from; None for the unit's own id."""
    as_of: date
    """As-of date of the last batch that it holds."""
    batches: int
    """How many batches it holds."""
    batch: date | None
    """The one batch that was asked for."""
    escaped: int
    """Ids that got a leading apostrophe."""
    files: tuple[AudienceFile, ...]

    @property
    def rows(self) -> int:
        """Units over all variants."""
        return sum(file.rows for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """The document of export.json: nothing of this machine, no time of day, so the same export is the same text."""
        return {
            "schema": SCHEMA,
            "experiment": self.slug,
            "version": self.version,
            "config_hash": self.config_hash,
            "format": self.format,
            "id_column": self.id_column,
            "as_of": self.as_of.isoformat(),
            "batches": self.batches,
            "batch": self.batch.isoformat() if self.batch else None,
            "escaped": self.escaped,
            "files": [
                {
                    "file": file.name,
                    "variant": file.variant,
                    "is_control": file.is_control,
                    "rows": file.rows,
                    "sha256": file.sha256,
                    "header": list(file.header),
                }
                for file in self.files
            ],
        }
