"""The API, one file per resource, named as in the official SDK."""

from mockai.api import chat, models
from mockai.call import Operation

RESOURCES = (chat, models)

OPERATIONS: tuple[Operation, ...] = tuple(operation for resource in RESOURCES for operation in resource.OPERATIONS)
