"""Rules for the connection: settings that its engine has, and secrets that stand in no file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import ENV
from holdfast.model.project import Connection, Project

_OF_DUCKDB = ("database", "memory_limit", "threads", "temp_directory")
_OWN = {"duckdb": _OF_DUCKDB, "postgres": ("url", "options"), "spark": ("master", "remote", "options")}
_OF_CLOUD = ("options",)
_ALL = (*_OF_DUCKDB, "url", "master", "remote", "options")
_MEMORY = re.compile(r"\d+(\.\d+)? ?([KMGT]i?B)")
_SECRET = re.compile(r"passw|pwd|secret|token|private_?key|api_?key|access_?key|credential", re.I)
_NO_SECRET = re.compile(r"(_path|_file|_name|_uri|_url|_id|_provider|\.path|\.file|\.provider)$", re.I)
_IN_TEXT = re.compile(r"(?:^|[\s;?&])(?:password|token)\s*=\s*([^\s;&]+)", re.I)
TABLES_KEPT = ("duckdb", "postgres")
"""Engines in whose tables an assignment can be kept: a batch has to be there as a whole or not at all."""


def check_connection(sheet: Sheet, project: Project) -> None:
    """The settings of the connection, one by one and beside each other."""
    connection = project.connection
    own = _OWN.get(connection.backend, _OF_CLOUD)
    for name in _ALL:
        if getattr(connection, name) not in (None, {}) and name not in own:
            message = f"`{name}` is no setting of {connection.backend}, which has {_listed(own)}; remove it"
            sheet.judge("connection-form", ("connection", name), message, at="key")
    _check_needed(sheet, connection)
    _check_duckdb(sheet, connection)
    for path, line in _secrets(connection):
        message = (
            f"a password or token stands in the file; write {line} instead and set that variable, and change the "
            "secret: it is in the history of the files now"
        )
        sheet.judge("connection-secret", path, message)


def _check_needed(sheet: Sheet, connection: Connection) -> None:
    path: Path = ("connection", "backend")
    if connection.backend == "postgres" and connection.url is None:
        message = (
            'postgres needs its address; add url: "${env:SHOP_DB}", with SHOP_DB=postgresql://user:password@host/db'
        )
        sheet.judge("connection-form", path, message)
    elif connection.backend not in _OWN and not connection.options:
        message = f"{connection.backend} needs the settings of its driver; add options: {{...}}, as Ibis has them"
        sheet.judge("connection-form", path, message)
    if connection.master is not None and connection.remote is not None:
        message = "Spark is a cluster (`master`) or a server of Spark Connect (`remote`); keep one of the two"
        sheet.judge("connection-form", ("connection", "remote"), message, at="key")


def _check_duckdb(sheet: Sheet, connection: Connection) -> None:
    if connection.memory_limit is not None and not _MEMORY.fullmatch(connection.memory_limit):
        message = f'"{connection.memory_limit[:60]}" is no amount of memory; write it as 2GB or 512MB'
        sheet.judge("connection-form", ("connection", "memory_limit"), message)
    if connection.threads is not None and connection.threads < 1:
        message = f"at least one thread works, here {connection.threads}; leave `threads` out for all cores"
        sheet.judge("connection-form", ("connection", "threads"), message)
    folder = connection.temp_directory
    if folder is not None and (not folder or PurePosixPath(folder).is_absolute() or ".." in folder.split("/")):
        message = f'"{folder[:60]}" is not a folder of the project; write it as data/temporary'
        sheet.judge("path-outside", ("connection", "temp_directory"), message)


def _secrets(connection: Connection) -> Iterator[tuple[Path, str]]:
    """Where a secret stands in the file itself, and the line to write in its place."""
    for name, variable in (("url", "SHOP_DB"), ("remote", "SHOP_SPARK")):
        text = getattr(connection, name)
        if text is not None and _holds_secret(text):
            yield ("connection", name), f'{name}: "${{env:{variable}}}"'
    for key, value in connection.options.items():
        literal = not isinstance(value, str) or ENV.sub("", value) != ""
        if (_SECRET.search(key) and not _NO_SECRET.search(key) and literal) or (
            isinstance(value, str) and _holds_secret(value)
        ):
            variable = re.sub(r"\W+", "_", key).upper()
            yield ("connection", "options", key), f'{key}: "${{env:{variable}}}"'


def _holds_secret(text: str) -> bool:
    """Whether an address names a password of its own; one that is taken from the environment is none."""
    bare = ENV.sub("", text)
    try:
        inside = urlsplit(bare).password
    except ValueError:
        inside = None
    return bool(inside) or bool(_IN_TEXT.search(ENV.sub(" ", text)))


def _listed(names: tuple[str, ...]) -> str:
    *first, last = (f"`{name}`" for name in (*names, "files"))
    return f"{', '.join(first)} and {last}"
