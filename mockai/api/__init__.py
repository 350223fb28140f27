"""The API, one file per resource, named as in the official SDK."""

from mockai.api import (
    assistants,
    batches,
    chat,
    completions,
    embeddings,
    eras,
    files,
    fine_tuning,
    models,
    moderations,
    uploads,
    vector_stores,
)
from mockai.call import Operation

RESOURCES = (
    assistants,
    chat,
    completions,
    embeddings,
    models,
    moderations,
    files,
    uploads,
    batches,
    fine_tuning,
    vector_stores,
)

OPERATIONS: tuple[Operation, ...] = tuple(
    operation for resource in RESOURCES for operation in eras.dated(resource.OPERATIONS)
)
