"""Recorded exchanges: what they hold, the files they lie in, and how a request finds its own again.

Nothing here knows the network: the recorder writes such files, rules replay them, drift compares them.
"""

from mockai.recording.exchange import Body, Chunk, Exchange, Part, Request, Response

__all__ = ["Body", "Chunk", "Exchange", "Part", "Request", "Response"]
