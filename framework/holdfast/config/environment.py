"""Connection settings that name variables of the environment."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path as Folder
from typing import Any

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import ENV, Known
from holdfast.model.project import Connection, Project

_TEXTS = ("database", "url", "remote", "master")


def resolved(text: str) -> str | None:
    """The text with every ${env:NAME} replaced, or None when one of them is not set."""
    if any(not os.environ.get(name) for name in ENV.findall(text)):
        return None
    return ENV.sub(lambda match: os.environ[match[1]], text)


def files_folder(root: Folder, connection: Connection) -> Folder | None:
    """The folder that sources given by path lie in; None when the variable that names it is not set."""
    if connection.files is None:
        return root
    text = resolved(connection.files)
    return None if text is None else root / text


def connected(project: Project) -> Project:
    """The project with the variables of its connection put in; what cannot be resolved stays as written."""
    connection = project.connection
    texts = {name: getattr(connection, name) for name in _TEXTS}
    found: dict[str, Any] = {name: resolved(text) or text for name, text in texts.items() if text is not None}
    found["options"] = {
        name: resolved(value) or value if isinstance(value, str) else value
        for name, value in connection.options.items()
    }
    return replace(project, connection=replace(connection, **found))


def check_environment(sheet: Sheet, project: Project, known: Known) -> None:
    """Say which variables to set. Only a warning: whoever checks the files need not have the data."""
    connection = project.connection
    needed = {"files": any(source and source.path for source in known.sources.values())}
    texts: dict[Path, str | None] = {("connection", name): getattr(connection, name) for name in (*_TEXTS, "files")}
    texts |= {
        ("connection", "options", name): value for name, value in connection.options.items() if isinstance(value, str)
    }
    for path, text in texts.items():
        for variable in ENV.findall(text or ""):
            if needed.get(str(path[-1]), True) and not os.environ.get(variable):
                message = f"{variable} is not set; set it before reading data"
                sheet.judge("env-unset", path, message, severity="warning")
        if text and "${" in ENV.sub("", text):
            message = "a variable is written ${env:NAME}, with letters, digits and _"
            sheet.judge("env-outside-connection", path, message)
