"""What a resource sees (`Call`) and what it may answer: a dict, a `Stream`, a `Binary` or `Reply`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from mockai.clock import Pace
    from mockai.engine.catalogue import Model
    from mockai.rules.rule import Response
    from mockai.rules.ruleset import RuleSet
    from mockai.settings import Settings
    from mockai.store import Store
    from mockai.wire.ids import Ids
    from mockai.wire.schema import Node
    from mockai.work import Work

Json = dict[str, Any]
Liveness = Literal["live", "restricted", "retired"]


class Host(Protocol):
    """What a resource may ask of the server that it runs in."""

    work: Work
    """Work that goes on between requests."""
    rules: RuleSet | None
    """What the user wants answered, in front of the engine; None without rules."""

    def perform(self, call: Call, path: str, body: Json, ids: Ids, now: float) -> tuple[int, Json]:
        """Run another POST operation for the same caller, and return its status and body.

        `path` is relative to the API root; `ids` and `now` stand for those of a request of its own.
        """


@dataclass(slots=True)
class Recorded:
    """What the recordings say to a request."""

    rules: RuleSet | None
    """The rules that come before the recorded answer; None when there is none."""
    explain: Callable[[], object]
    """Tells, in words, why there is no recorded answer."""
    overruled: bool = False
    """One of these rules answers."""


@dataclass(slots=True)
class Call:
    """One request, parsed and checked. Read `now` instead of a clock: it is taken once a request."""

    operation: Operation
    now: float
    """Unix seconds when the request came in."""
    body: Any
    """The decoded JSON body, checked against the operation's schema; form fields and `Upload`s; or None."""
    path: Mapping[str, str]
    """Path parameters, percent-decoded."""
    query: Mapping[str, list[str]]
    """Query parameters: every value of every name, in order."""
    headers: Mapping[bytes, bytes]
    """Request headers as they came, names in lower case. Read them with `header`."""
    tenant: str
    """Whose objects this call sees: organization/project, divided further by X-Test-Id."""
    organization: str
    project: str
    request_id: str
    ids: Ids
    store: Store
    settings: Settings
    host: Host
    schema: Node | None = None
    """What the body is checked against in place of the operation's schema; `admit` may set it."""
    model: Model = field(init=False)
    """The model that answers; operations that name one set it when they admit the call."""
    reply_headers: dict[str, str] = field(default_factory=dict)
    """What the resource adds to the response headers."""
    spent: tuple[int, int, int] | None = None
    """Requests and tokens a minute, and the tokens of this call: answered as x-ratelimit-* headers."""
    rule: Response | None = None
    """What a rule wants answered in place of what the engine would say."""
    recorded: Recorded | None = None
    """What recordings have to do with the call; None without any."""

    def header(self, name: str) -> str | None:
        """Return a request header, or None; `name` is in lower case."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    @property
    def created(self) -> int:
        """Return `now` in whole seconds, as `created` and `created_at` show it."""
        return int(self.now)

    @property
    def pace(self) -> Pace:
        """Return the pace of simulated work."""
        return self.settings.pace


@dataclass(slots=True)
class Upload:
    """A file part of a form. Its content may lie on disk: read it in chunks."""

    filename: str
    content_type: str
    size: int
    """Bytes."""
    chunks: Callable[[], Iterator[bytes]]
    """Starts reading from the beginning; valid while the call lasts."""


@dataclass(slots=True)
class Beat:
    """One server-sent event, due `at` seconds after the answer began.

    `data` is a JSON value or bytes that are already JSON; `event` is the name of a named event. Without any bytes it
    is a pause: nothing is sent, and the next beat is made when this one is due.
    """

    at: float
    data: Any
    event: str | None = None
    framed: bool = False
    """The data are the bytes of a whole frame, or of any part of the stream."""


@dataclass(slots=True)
class Stream:
    """A server-sent event stream. All faults are found before it exists; later ones are error events."""

    beats: Iterator[Beat]
    done: bytes | None = b"data: [DONE]\n\n"
    """What closes the stream, framed."""
    content_type: str = "text/event-stream; charset=utf-8"
    status: int = 200
    close: Callable[[], None] | None = None
    """Called once when the stream ends, also when the client has gone."""
    at_once: Callable[[], bytes] | None = None
    """Returns every frame, for when nothing has to wait: the same bytes as the beats give, in one go."""


@dataclass(slots=True)
class Binary:
    """Raw bytes: held in memory, or read in chunks."""

    chunks: Iterator[bytes]
    size: int | None
    content_type: str = "application/octet-stream"
    filename: str | None = None


@dataclass(slots=True)
class Reply:
    """A JSON answer that is not a plain 200, or whose bytes are already made."""

    body: Any
    """A JSON value, or bytes that are already JSON, or of another content type."""
    status: int = 200
    content_type: str = "application/json"


Answer = Json | Stream | Binary | Reply
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: the source of routes, tables, coverage and batch dispatch.

    `path` is relative to the API root (`/chat/completions`), with `{name}` for parameters.
    """

    method: str
    path: str
    handler: Handler
    name: str
    """The official SDK's name: `chat.completions.create`."""
    body: Node | None = None
    """The schema of the body; None for operations without one."""
    admit: Callable[[Call], None] | None = None
    """What is decided before the body is checked, such as whether the model exists."""
    weigh: Callable[[Call], bool] | None = None
    """Says that a call is so much work that it must not hold the event loop."""
    liveness: Liveness = "live"
    since: str = ""
    """The day, `YYYY-MM-DD`, on which the real API had it first; empty where none is known."""
    until: str = ""
    """The day from which on the real API had it no longer; empty while it has."""
    form: bool = False
    """The body is multipart/form-data."""
    hot: bool = False
    """Called so often that the listener may answer it without a task of its own."""

    @property
    def route(self) -> str:
        """Return method and path, as tables name the operation."""
        return f"{self.method} {self.path}"

    def run(self, call: Call) -> Answer:
        """Admit the call, check its body, and answer it. Raises `ApiError`."""
        if self.body is not None and call.body is None:
            call.body = {}
        if self.admit is not None:
            self.admit(call)
        if self.body is not None:
            (call.schema or self.body).check(call.body, "")
        return self.handler(call)

    def heavy(self, call: Call) -> bool:
        """Return whether the call belongs in a thread."""
        return self.weigh is not None and self.weigh(call)
