"""The table of models holds together and agrees with what was recorded and what the official SDK names."""

import typing
from collections.abc import Iterator
from importlib import resources

import pytest
from openai.types import audio_model, embedding_model, image_model, moderation_model, video_model
from openai.types.audio import speech_model
from openai.types.shared import all_models

from mockai.engine.catalogue import FAMILIES, TUNABLE, Model, adopt, catalogue, find, visible
from tests.recorded import exchanges

MODELS = catalogue()
# An alpha of the organization that made the recording.
NOT_PUBLIC = {"gpt-image-0721-mini-alpha"}


def model(name: str) -> Model:
    found = find(name)
    assert found is not None, name
    return found


# --- the table itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("entry", MODELS.values(), ids=MODELS)
def test_a_line_makes_sense(entry: Model) -> None:
    assert entry.encoding in ("o200k_base", "cl100k_base")
    assert 0 <= entry.max_output <= entry.context
    assert entry.created > 1_600_000_000
    assert (entry.dimensions in (1536, 3072)) is (entry.kind == "embedding")
    assert (entry.max_output > 0) is (entry.kind != "embedding")
    assert not entry.efforts or entry.kind != "chat" or entry.default_effort in entry.efforts
    assert entry.reasoning or not (entry.efforts or entry.refuses_reasoning)
    assert entry.shown == {"id": entry.id, "object": "model", "created": entry.created, "owned_by": entry.owned_by}


@pytest.mark.parametrize("entry", [m for m in MODELS.values() if m.snapshot in MODELS], ids=lambda m: m.id)
def test_an_alias_differs_from_its_snapshot_by_name_only(entry: Model) -> None:
    target = MODELS[entry.snapshot]
    assert target.snapshot == target.id
    for name in Model.__slots__:
        if name not in ("id", "created", "owned_by", "snapshot", "shutdown"):
            assert getattr(entry, name) == getattr(target, name), name


def test_what_answers_name_is_a_model_or_a_versioned_engine() -> None:
    unlisted = {entry.snapshot for entry in MODELS.values()} - set(MODELS)
    assert unlisted == {
        "gpt-3.5-turbo-instruct:20230824-v2",
        "davinci:2023-07-21-v2",
        "babbage:2023-07-21-v2",
        "text-embedding-ada-002-v2",
    }


def test_every_family_is_used_and_every_tunable_model_exists() -> None:
    assert set(TUNABLE) <= set(MODELS)
    lines = resources.files("mockai.engine").joinpath("models.txt").read_text("utf-8").splitlines()
    table = [line.split() for line in lines if line and not line.startswith("#")]
    assert {row[1] for row in table} == set(FAMILIES)
    assert len({row[0] for row in table}) == len(table) == len(MODELS)


def literals(of: object) -> Iterator[str]:
    if isinstance(of, str):
        yield of
    for part in typing.get_args(of):
        yield from literals(part)


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (all_models.AllModels, {"chat", "responses"}),
        (embedding_model.EmbeddingModel, {"embedding"}),
        (moderation_model.ModerationModel, {"moderation"}),
        (image_model.ImageModel, {"image"}),
        (audio_model.AudioModel, {"audio"}),
        (speech_model.SpeechModel, {"audio"}),
        (video_model.VideoModel, {"video"}),
    ],
)
def test_the_models_that_the_official_sdk_names_are_there(names: object, kinds: set[str]) -> None:
    found = {name: find(name) for name in literals(names)}
    assert found
    assert {name for name, entry in found.items() if entry is None} == set()
    assert {entry.kind for entry in found.values() if entry is not None} == kinds


# --- what was recorded ---------------------------------------------------------------------------


def test_recorded_entries_agree() -> None:
    for exchange in exchanges("models_list"):
        for recorded in exchange.answer["data"]:
            if recorded["id"] not in NOT_PUBLIC and not recorded["id"].startswith("ft:"):
                assert model(recorded["id"]).shown == recorded


def test_recorded_answers_name_the_snapshot() -> None:
    seen = 0
    for exchange in exchanges("chat_", "completions_", "embeddings_"):
        answer = exchange.answer[0] if exchange.streamed else exchange.answer
        if (
            exchange.status == 200
            and isinstance(exchange.body, dict)
            and isinstance(answer, dict)
            and "model" in answer
        ):
            assert model(exchange.body["model"]).snapshot == answer["model"], exchange.name
            seen += 1
    assert seen > 10 or not list(exchanges("chat_"))


def test_recorded_answers_have_a_fingerprint_or_not() -> None:
    for exchange in exchanges("chat_"):
        answer = exchange.answer
        if exchange.status == 200 and isinstance(answer, dict) and "system_fingerprint" in answer:
            entry = model(exchange.body["model"])
            assert bool(answer["system_fingerprint"]) is entry.fingerprint, exchange.name
            assert ("logprobs" in answer["choices"][0]) is entry.logprobs_key, exchange.name
            assert ("service_tier" in answer) is entry.tier_key, exchange.name


# --- facts, one a row ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "snapshot"),
    [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-4", "gpt-4-0613"),
        ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
        ("gpt-5", "gpt-5-2025-08-07"),
        ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"),
        ("gpt-5.5", "gpt-5.5-2026-04-23"),
        ("gpt-5.6-sol", "gpt-5.6-sol"),
        ("gpt-audio-1.5", "gpt-audio-1.5"),
        ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2"),
        ("davinci-002", "davinci:2023-07-21-v2"),
        ("text-embedding-ada-002", "text-embedding-ada-002-v2"),
        ("text-embedding-3-small", "text-embedding-3-small"),
        ("text-moderation-latest", "text-moderation-007"),
        ("omni-moderation-latest", "omni-moderation-latest"),
    ],
)
def test_answers_name_the_snapshot(alias: str, snapshot: str) -> None:
    assert model(alias).snapshot == snapshot


@pytest.mark.parametrize(
    ("name", "context", "max_output", "encoding"),
    [
        ("gpt-3.5-turbo-0613", 4_097, 4_096, "cl100k_base"),
        ("gpt-3.5-turbo-16k", 16_385, 4_096, "cl100k_base"),
        ("gpt-3.5-turbo", 16_385, 4_096, "cl100k_base"),
        ("gpt-3.5-turbo-instruct", 4_096, 4_096, "cl100k_base"),
        ("gpt-4", 8_192, 4_096, "cl100k_base"),
        ("gpt-4-1106-preview", 128_000, 4_096, "cl100k_base"),
        ("davinci-002", 16_384, 16_384, "cl100k_base"),
        ("gpt-4o", 128_000, 16_384, "o200k_base"),
        ("gpt-4o-2024-05-13", 128_000, 4_096, "o200k_base"),
        ("gpt-4.1", 1_047_576, 32_768, "o200k_base"),
        ("o1-preview", 128_000, 32_768, "o200k_base"),
        ("o3-mini", 200_000, 100_000, "o200k_base"),
        ("gpt-5", 400_000, 128_000, "o200k_base"),
        ("gpt-5.2", 400_000, 128_000, "o200k_base"),
        ("gpt-5.4", 1_050_000, 128_000, "o200k_base"),
        ("gpt-5.4-mini", 400_000, 128_000, "o200k_base"),
        ("gpt-5.6-terra", 1_050_000, 128_000, "o200k_base"),
    ],
)
def test_windows(name: str, context: int, max_output: int, encoding: str) -> None:
    entry = model(name)
    assert (entry.context, entry.max_output, entry.encoding) == (context, max_output, encoding)


@pytest.mark.parametrize(
    ("name", "fingerprint", "logprobs_key", "priming", "named_choice_finish"),
    [
        ("gpt-4o-mini", True, True, 3, "stop"),
        ("gpt-4.1", True, True, 3, "stop"),
        ("gpt-3.5-turbo-0125", False, True, 3, "stop"),
        ("gpt-4-0613", False, True, 3, "stop"),
        ("gpt-audio", True, False, 3, "stop"),
        ("o3-mini", True, False, 2, "tool_calls"),
        ("o4-mini", False, False, 2, "tool_calls"),
        ("gpt-5-mini", False, False, 2, "tool_calls"),
        ("gpt-5.6-sol", False, False, 2, "tool_calls"),
        ("gpt-4o-mini-search-preview", False, False, -4, "stop"),
    ],
)
def test_forms(name: str, fingerprint: bool, logprobs_key: bool, priming: int, named_choice_finish: str) -> None:
    entry = model(name)
    assert (entry.fingerprint, entry.logprobs_key, entry.priming) == (fingerprint, logprobs_key, priming)
    assert entry.named_choice_finish == named_choice_finish


def test_what_the_newest_refuse() -> None:
    entry = model("gpt-5.6-terra")
    assert entry.refuses == {"stop", "logit_bias", "prediction", "max_tokens"}
    assert {"frequency_penalty", "presence_penalty", "logprobs"} <= entry.refuses_reasoning
    assert {"audio", "modalities", "web_search_options"} <= entry.unknown
    assert entry.only_default == {"temperature", "top_p"}
    assert entry.efforts == ("none", "low", "medium", "high", "xhigh")
    assert (entry.max_n, entry.max_top_logprobs) == (8, 5)
    assert entry.retention_24h_only
    assert not entry.tools_while_reasoning


@pytest.mark.parametrize(
    ("name", "refused", "only_default"),
    [
        ("o1", True, True),
        ("o3-mini", True, True),
        ("o3", False, True),
        ("o4-mini", False, True),
        ("gpt-5.5", False, True),
        ("gpt-5.4", False, False),
        ("gpt-5.4-mini", False, False),
        ("gpt-4o", False, False),
        ("gpt-4-turbo", False, False),
    ],
)
def test_temperature(name: str, refused: bool, only_default: bool) -> None:
    entry = model(name)
    assert ("temperature" in entry.refuses, "temperature" in entry.only_default) == (refused, only_default)


def test_what_old_models_lack() -> None:
    assert "stop" not in model("o3-mini").refuses
    assert "reasoning_effort" in model("gpt-4o-mini").unrecognized
    assert model("o1-mini").refuses_roles == {"system", "developer"}
    assert (model("gpt-4-0613").json_object, model("gpt-3.5-turbo-1106").json_object) == (False, True)
    assert (model("gpt-4o-2024-05-13").json_schema, model("gpt-4o-2024-08-06").json_schema) == (False, True)
    assert (model("gpt-3.5-turbo-0301").tools, model("gpt-3.5-turbo-0613").tools) == (False, True)
    assert (model("gpt-4-0613").parallel_tools, model("gpt-4-1106-preview").parallel_tools) == (False, True)
    assert (model("gpt-4-1106-preview").vision, model("gpt-4-turbo").vision) == (False, True)
    assert (model("gpt-4o-audio-preview").audio, model("gpt-4o").audio) == (True, False)
    assert (model("gpt-4o-search-preview").web_search, model("gpt-4o").web_search) == (True, False)


def test_embeddings() -> None:
    sizes = {name: (model(name).dimensions, model(name).shortens) for name in MODELS if "embedding" in name}
    assert sizes == {
        "text-embedding-ada-002": (1536, False),
        "text-embedding-3-small": (1536, True),
        "text-embedding-3-large": (3072, True),
    }


@pytest.mark.parametrize(
    ("name", "since", "methods"),
    [
        ("davinci-002", "2023-08", ("supervised",)),
        ("gpt-3.5-turbo", "2024-02", ("supervised",)),
        ("gpt-4o-mini", "2024-07", ("supervised", "dpo")),
        ("gpt-4.1-nano", "2025-05", ("supervised", "dpo")),
        ("o4-mini-2025-04-16", "2025-05", ("reinforcement",)),
        ("gpt-4o-2024-05-13", "", ()),
        ("gpt-5", "", ()),
    ],
)
def test_what_can_be_tuned(name: str, since: str, methods: tuple[str, ...]) -> None:
    assert (model(name).tunable_since, model(name).tunable) == (since, methods)


# --- looking up ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("gpt-3.5-turbo", "2026-10-23"),
        ("gpt-4", "2026-10-23"),
        ("gpt-4o-mini", "2027-01-14"),
        ("gpt-3.5-turbo-0613", "2024-09-13"),
        ("gpt-5", "2026-12-11"),
        ("gpt-5.6-sol", ""),
    ],
)
def test_shutdown_days(name: str, day: str) -> None:
    entry = model(name)
    assert entry.shutdown == day
    assert entry.retired("2027-06-01") is bool(day)
    assert not entry.retired("2024-01-01")
    assert entry.retired(day or "2023-01-01") is bool(day)


def test_everything_is_served_unless_a_day_is_given() -> None:
    assert [entry.id for entry in visible()] == list(MODELS)
    late = {entry.id for entry in visible(day="2026-11-24")}
    assert "gpt-4o-mini" in late
    assert not late & {"gpt-3.5-turbo", "gpt-4", "gpt-3.5-turbo-0613"}


def test_names_beside_the_catalogue_are_listed_once() -> None:
    listed = [entry.id for entry in visible(["mine", "gpt-4o", "mine"])]
    assert listed.count("mine") == listed.count("gpt-4o") == 1
    assert listed[-1] == "mine"


def test_lookup_is_exact() -> None:
    assert find("GPT-4o") is None
    assert find("gpt-4o ") is None
    assert find("my-model") is None
    adopted = find("my-model", ["my-model"])
    assert adopted is not None
    assert adopted.id == "my-model"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("my-model", "chat"),
        ("Qwen2.5-7B-Instruct", "chat"),
        ("my-embedding-v2", "embedding"),
        ("nomic-embed-text", "embedding"),
        ("my-moderation", "moderation"),
        ("gpt-3.5-turbo-instruct-1214", "completion"),
        ("text-davinci-003", "completion"),
    ],
)
def test_an_unknown_name_behaves_as_it_suggests(name: str, kind: str) -> None:
    adopted = adopt(name)
    assert (adopted.kind, adopted.id, adopted.snapshot) == (kind, name, name)
    if kind == "chat":
        assert adopted.max_output == model("gpt-4o-mini").max_output
