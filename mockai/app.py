"""The composition root: settings become a store, a clock and an ASGI application."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mockai.api import OPERATIONS
from mockai.clock import Clock, ManualClock, SystemClock
from mockai.engine import tokens
from mockai.server import Edge
from mockai.settings import Settings
from mockai.store import Store, open_store
from mockai.wire import errors
from mockai.worker import Worker

if TYPE_CHECKING:
    from mockai.rules.ruleset import RuleSet
    from mockai.watcher import Watcher

OWN_PATHS = frozenset({"/health", "/ready"})


class Application(Starlette):
    """The whole server: the API at the edge, and its own few routes beside it."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        store: Store | None = None,
        rules: RuleSet | None = None,
    ) -> None:
        """Build the server that `settings` describe; tests may bring their own clock, store and rules."""
        rules = rules or _rules(settings)
        self.settings = settings
        self.clock = clock or (ManualClock() if settings.clock == "manual" else SystemClock())
        self.store = store or open_store(settings.store)
        self.edge = Edge(OPERATIONS, settings=settings, clock=self.clock, store=self.store, rules=rules)
        routes = [Route("/health", _health), Route("/ready", _health)]
        super().__init__(routes=routes, exception_handlers={405: _wrong_method}, lifespan=_lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand API requests straight to the edge; the rest goes through Starlette's routes."""
        if scope["type"] == "http" and scope["path"] not in OWN_PATHS:
            await self.edge(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def stop(self) -> None:
        """Let open streams run to their end without pauses: the server is about to stop."""
        self.edge.stopping.set()


def _rules(settings: Settings) -> RuleSet | None:
    """Return the rules of a server, or None for one without. Raises `SettingsError` with every error found."""
    if not settings.fixtures and not settings.strict:
        return None
    from mockai.rules.serving import rules_of  # takes a while to load

    return rules_of(settings, {operation.name for operation in OPERATIONS})


@asynccontextmanager
async def _lifespan(application: Starlette) -> AsyncIterator[None]:
    # Token ranks take some 0.2 s to load: beside the start, not in front of the first answer.
    threading.Thread(target=tokens.warm, args=("o200k_base",), daemon=True).start()
    if not isinstance(application, Application):
        raise TypeError("the lifespan is that of an Application")
    threads: list[Worker | Watcher] = [Worker(application.edge)]
    if application.settings.watch:
        from mockai.watcher import Watcher

        threads.append(Watcher(application.edge))
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.stop()
    application.store.close()


async def _health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _wrong_method(request: Request, _: Exception) -> JSONResponse:
    error = errors.wrong_method(request.method, request.url.path, ("GET",))
    return JSONResponse(error.body, error.status, error.headers)
