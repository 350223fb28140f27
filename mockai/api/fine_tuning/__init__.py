"""Fine-tuning: jobs that read and learn their files, their events and checkpoints, and graders (fine_tuning.md)."""

from mockai.api.fine_tuning import graders, jobs, permissions

OPERATIONS = (*jobs.OPERATIONS, *permissions.OPERATIONS, *graders.OPERATIONS)

__all__ = ["OPERATIONS"]
