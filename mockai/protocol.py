"""HTTP/1.1 as it comes in: what is wrong with it is told in the API's error body.

A request is refused here when it cannot be parsed, when its head is too large, and when it asks for a WebSocket;
any other upgrade is no trouble: the request is answered as HTTP/1.1.
"""

from __future__ import annotations

import re
from http import HTTPMethod

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mockai.wire import codec, errors, headers
from mockai.wire.errors import ApiError

MOST_HEAD = 64 * 1024
"""Bytes that the URL may have, and all headers together."""
MOST_UNFINISHED = 8 * MOST_HEAD
"""Bytes that are read of a head without an end."""
_REQUEST_LINE = re.compile(rb"\s*([!#$%&'*+.^_`|~\w-]{1,40}) (/\S*) HTTP/1\.\d\r?\n")


class Protocol(HttpToolsProtocol):
    """A connection whose wrong requests get the API's error body."""

    _heading = False
    """A request has begun and its head has not ended."""
    _unfinished = 0
    """Bytes that came since the head began, or a little before."""
    _again: bytes | None = None
    """The head of a request that asks for an upgrade, without that."""

    def on_message_begin(self) -> None:
        """Note the beginning of a request."""
        super().on_message_begin()
        self._heading = True

    def on_headers_complete(self) -> None:
        """Look at a head that is all there, and go on. Raises the refusal of what cannot be answered."""
        self._heading = False
        if self._unfinished > MOST_HEAD:
            if len(self.url) > MOST_HEAD:
                raise errors.url_too_long(MOST_HEAD)
            if sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD:
                raise errors.headers_too_large(MOST_HEAD)
        if self.parser.should_upgrade():
            self._again = self._without_upgrade()
        else:
            self.begin()

    def begin(self) -> None:
        """Have the request answered. Raises the refusal of a URL that is none."""
        try:
            super().on_headers_complete()
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):  # the last: it has no path
            raise errors.bad_url() from None

    def _without_upgrade(self) -> bytes:
        """Return the head for another parser: this one takes what follows for no HTTP. Refuses tunnels."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise errors.wrong_method("CONNECT", self.url.decode("latin-1"), ())
        if self._get_upgrade() == b"websocket":
            raise errors.no_websocket()
        kept = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] != b"upgrade"]
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, self.url, b"".join(kept))

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        if self._again is None:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what came; answer what is wrong with it, and close."""
        self._unset_keepalive_if_required()
        self._unfinished += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.refuse(self._fault(error, data))
            return
        except httptools.HttpParserUpgrade as upgrade:
            again, self._again = self._again or b"", None
            self.parser = httptools.HttpRequestParser(self)
            self.data_received(again + data[upgrade.args[0] :])
            return
        if not self._heading:
            self._unfinished = 0
        elif self._unfinished > MOST_UNFINISHED:
            long = len(self.url) > MOST_HEAD
            self.refuse(errors.url_too_long(MOST_HEAD) if long else errors.headers_too_large(MOST_HEAD))

    def _fault(self, error: httptools.HttpParserError, data: bytes) -> ApiError:
        if isinstance(error, httptools.HttpParserCallbackError):
            told = error.__context__
            if isinstance(told, ApiError):
                return told
            self.logger.error("a request failed before it was read", exc_info=told)
            return errors.server_error("(none)")
        if isinstance(error, httptools.HttpParserInvalidURLError):
            return errors.bad_url()
        line = _REQUEST_LINE.match(data) if isinstance(error, httptools.HttpParserInvalidMethodError) else None
        if line is not None and line[1].decode() not in HTTPMethod.__members__:  # else another request is meant
            return self.wrong_method(line[1].decode(), line[2].decode("latin-1").partition("?")[0])
        return errors.bad_http("head" if self._heading else "body", str(error))

    def wrong_method(self, method: str, path: str) -> ApiError:
        """Return the refusal of a method that no path has."""
        return errors.wrong_method(method, path, ())

    def refuse(self, error: ApiError) -> None:
        """Answer an error, and close."""
        body = b"" if error.blank else codec.dumps(error.body)
        lines = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        common = b"".join(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers)
        head = STATUS_LINE[error.status] + common + headers.block({**error.headers, **lines})
        if not self.transport.is_closing():
            self.transport.write(head + b"\r\n" + body)
            self.transport.close()
