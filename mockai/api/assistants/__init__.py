"""Assistants, threads, messages, runs and their steps: one family, as the API's beta had it (assistants.md)."""

from mockai.api.assistants import assistant_files, assistants, message_files, messages, runs, steps, threads

OPERATIONS = (
    *assistants.OPERATIONS,
    *assistant_files.OPERATIONS,
    *threads.OPERATIONS,
    *messages.OPERATIONS,
    *message_files.OPERATIONS,
    *runs.OPERATIONS,
    *steps.OPERATIONS,
)

__all__ = ["OPERATIONS"]
