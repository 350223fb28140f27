"""Assistants, threads, messages, runs and their steps: one family, as the API's beta had it (assistants.md)."""

from mockai.api.assistants import assistants, messages, runs, steps, threads

OPERATIONS = (
    *assistants.OPERATIONS,
    *threads.OPERATIONS,
    *messages.OPERATIONS,
    *runs.OPERATIONS,
    *steps.OPERATIONS,
)

__all__ = ["OPERATIONS"]
