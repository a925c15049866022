"""Connection settings that name variables of the environment."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from holdfast.config.marks import Sheet
from holdfast.config.rules.known import ENV, Known
from holdfast.model.project import Connection, Project


def resolved(text: str) -> str | None:
    """The text with every ${env:NAME} replaced, or None when one of them is not set."""
    if any(not os.environ.get(name) for name in ENV.findall(text)):
        return None
    return ENV.sub(lambda match: os.environ[match[1]], text)


def files_folder(root: Path, connection: Connection) -> Path | None:
    """The folder that sources given by path lie in; None when the variable that names it is not set."""
    if connection.files is None:
        return root
    text = resolved(connection.files)
    return None if text is None else root / text


def connected(project: Project) -> Project:
    """The project with the database's name resolved; one that cannot be resolved stays as written."""
    database = project.connection.database
    text = resolved(database) if database is not None else None
    return replace(project, connection=replace(project.connection, database=text)) if text is not None else project


def check_environment(sheet: Sheet, project: Project, known: Known) -> None:
    """Say which variables to set. Only a warning: whoever checks the files need not have the data."""
    connection = project.connection
    needed = {"database": True, "files": any(source and source.path for source in known.sources.values())}
    for name, text in (("database", connection.database), ("files", connection.files)):
        for variable in ENV.findall(text or ""):
            if needed[name] and not os.environ.get(variable):
                message = f"{variable} is not set; set it before reading data"
                sheet.judge("env-unset", ("connection", name), message, severity="warning")
        if text and "${" in ENV.sub("", text):
            message = "a variable is written ${env:NAME}, with letters, digits and _"
            sheet.judge("env-outside-connection", ("connection", name), message)
