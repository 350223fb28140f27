"""Fine-tuning: jobs that read and learn their files, their events and checkpoints, and graders (fine_tuning.md)."""

from mockai.api.fine_tuning import fine_tunes, graders, jobs, permissions

OPERATIONS = (*jobs.OPERATIONS, *permissions.OPERATIONS, *graders.OPERATIONS, *fine_tunes.OPERATIONS)

__all__ = ["OPERATIONS"]
