"""What a fine-tuning job may be created with (fine_tuning.md §2)."""

from __future__ import annotations

from mockai.call import Json
from mockai.wire.schema import METADATA, Anything, Array, Decimal, Enum, Int, Map, Node, Object, OneOf, Str, Tagged

AUTO = Enum("auto")
SIZES: dict[str, Node] = {
    "n_epochs": OneOf(AUTO, Int(1, 50)),
    "batch_size": OneOf(AUTO, Int(1, 256)),
    "learning_rate_multiplier": OneOf(AUTO, Decimal(0)),
}
PREFERENCE: dict[str, Node] = {**SIZES, "beta": OneOf(AUTO, Decimal(0, 2))}
REINFORCEMENT: dict[str, Node] = {
    **SIZES,
    "reasoning_effort": Enum("default", "low", "medium", "high"),
    "compute_multiplier": OneOf(AUTO, Decimal(0.00001, 10)),
    "eval_interval": OneOf(AUTO, Int(1)),
    "eval_samples": OneOf(AUTO, Int(1)),
}
HYPERPARAMETERS = {"supervised": SIZES, "dpo": PREFERENCE, "reinforcement": REINFORCEMENT}
# What `auto` stands for where the size of the file does not say it. Those of reinforcement are unverified.
DEFAULTS: dict[str, Json] = {
    "supervised": {},
    "dpo": {"beta": 0.1},
    "reinforcement": {
        "reasoning_effort": "default",
        "compute_multiplier": 1.0,
        "eval_interval": 5,
        "eval_samples": 1,
    },
}

_STRING_CHECK = Object(
    {
        "type": Str(),
        "name": Str(),
        "input": Str(),
        "reference": Str(),
        "operation": Enum("eq", "ne", "like", "ilike"),
    },
    required=("name", "input", "reference", "operation"),
)
METRICS = ("cosine", "fuzzy_match", "bleu", "gleu", "meteor", *(f"rouge_{n}" for n in (1, 2, 3, 4, 5, "l")))
_TEXT_SIMILARITY = Object(
    {"type": Str(), "name": Str(), "input": Str(), "reference": Str(), "evaluation_metric": Enum(*METRICS)},
    required=("name", "input", "reference", "evaluation_metric"),
)
_SCORE_MODEL = Object(
    {
        "type": Str(),
        "name": Str(),
        "input": Array(Map(Anything())),
        "model": Str(),
        "range": Array(Decimal(), min_length=2, max_length=2, of="numbers"),
        "sampling_params": Map(Anything()),
    },
    required=("name", "input", "model"),
)
_PYTHON = Object({"type": Str(), "name": Str(), "source": Str(), "image_tag": Str()}, required=("name", "source"))
_MULTI = Object(
    {"type": Str(), "name": Str(), "graders": Map(Anything()), "calculate_output": Str()},
    required=("name", "graders", "calculate_output"),
)
SINGLE: dict[str, Node] = {
    "string_check": _STRING_CHECK,
    "text_similarity": _TEXT_SIMILARITY,
    "score_model": _SCORE_MODEL,
    "python": _PYTHON,
}
GRADER = Tagged({**SINGLE, "multi": _MULTI})

METHOD = Object(
    {
        "type": Enum("supervised", "dpo", "reinforcement"),
        "supervised": Object({"hyperparameters": Object(SIZES)}),
        "dpo": Object({"hyperparameters": Object(PREFERENCE)}),
        "reinforcement": Object(
            {"grader": GRADER, "response_format": Map(Anything()), "hyperparameters": Object(REINFORCEMENT)},
            required=("grader",),
        ),
    },
    required=("type",),
)
_WANDB = Object(
    {"project": Str(), "name": Str(), "entity": Str(), "tags": Array(Str(), of="strings")}, required=("project",)
)
INTEGRATION = Object({"type": Enum("wandb"), "wandb": _WANDB}, required=("type", "wandb"))

CREATE = Object(
    {
        "model": Str(),
        "training_file": Str(),
        "hyperparameters": Object(SIZES),
        "suffix": Str(min_length=1, max_length=64),
        "validation_file": Str(),
        "integrations": Array(INTEGRATION),
        "seed": Int(0, 2_147_483_647),
        "method": METHOD,
        "metadata": METADATA,
    },
    required=("model", "training_file"),
)
