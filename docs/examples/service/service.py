"""A small service that welcomes customers with the variant that Holdfast gives them.

    python service.py [--port 8000] [--at 2026-03-05T09:00+09:00]

GET /welcome?customer=c001 answers with the screen to show. It needs the standard library and holdfast[serve].
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from openfeature import api
from openfeature.evaluation_context import EvaluationContext

import holdfast
from holdfast.serve import ExposureHook, ExposureLog, HoldfastProvider

HERE = Path(__file__).resolve().parent
Clock = Callable[[], dt.datetime]


def customers() -> dict[str, dict[str, Any]]:
    """What the service knows of each customer: here a file, elsewhere a database."""
    with (HERE / "customers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["customer_id"]: {"country": row["country"], "is_test": row["is_test"] == "true"} for row in rows}


def connect(clock: Clock) -> ExposureLog:
    """Set the provider and the hook, once at start-up; the log is to be closed at the end."""
    api.set_provider_and_wait(HoldfastProvider(holdfast.open_project(HERE), clock=clock))
    log = ExposureLog(HERE / "data" / "exposures", clock=clock)
    api.add_hooks([ExposureHook(log)])
    return log


def welcome(customer: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """The first screen of a customer. Whoever is in no experiment gets the tour, as everybody does today."""
    context = EvaluationContext(targeting_key=customer, attributes=attributes)
    details = api.get_client().get_object_details("onboarding-checklist", {"headline": "Take the tour"}, context)
    return {"screen": details.value, "variant": details.variant, "reason": str(details.reason)}


def application() -> Callable[..., Iterable[bytes]]:
    """The WSGI application."""
    known = customers()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("customer", [""])[0]
        if environ.get("PATH_INFO") != "/welcome" or asked not in known:
            status, body = "404 Not Found", {"error": "ask for /welcome?customer=ID"}
        else:
            status, body = "200 OK", welcome(asked, known[asked])
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    return answer


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each request."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Addresses hold ids of customers, so requests are not logged."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8000, help="0 takes any free one")
    parser.add_argument("--at", type=dt.datetime.fromisoformat, help="pretend that it is this moment, with its offset")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    clock: Clock = (lambda: options.at) if options.at else (lambda: dt.datetime.now(dt.UTC))
    with connect(clock), make_server("127.0.0.1", options.port, application(), Server, Quiet) as server:
        print(f"http://127.0.0.1:{server.server_port}/welcome?customer=c001", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
