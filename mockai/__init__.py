"""A mock OpenAI server that behaves."""

__version__ = "0.1.0"
