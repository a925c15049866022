"""Documents that commands print, against the schemas that are published for them."""

from __future__ import annotations

import importlib
import json
from typing import Any

from holdfast.schemas import schema_text
from tests.conftest import missing


def checked(kind: str, text: str) -> Any:
    """The document, once its schema allows it and it says which one that is."""
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ImportError:
        missing("jsonschema is not installed")
        raise
    document = json.loads(text)
    jsonschema.Draft7Validator(json.loads(schema_text(kind))).validate(document)
    assert document["schema"] == f"holdfast.{kind}/1"
    return document
