"""The table of models holds together and agrees with what was recorded."""

import pytest

from mockai.engine import moderation
from mockai.engine.catalogue import adopt, catalogue, find
from tests.recorded import exchanges

MODELS = catalogue()


def test_aliases_resolve_and_limits_are_sane() -> None:
    assert len(MODELS) > 120
    for model in MODELS.values():
        target = MODELS.get(model.snapshot)
        if model.kind in ("chat", "responses") and model.snapshot not in ("gpt-4-1106-vision-preview",):
            assert target is None or target.kind == model.kind
        assert model.encoding in ("o200k_base", "cl100k_base")
        assert model.kind == "embedding" or 0 < model.max_output <= model.context
        assert model.kind != "embedding" or model.dimensions in (1536, 3072)


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
        ("gpt-5.6-sol", "gpt-5.6-sol"),
        ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2"),
        ("davinci-002", "davinci:2023-07-21-v2"),
        ("text-embedding-ada-002", "text-embedding-ada-002-v2"),
        ("text-embedding-3-small", "text-embedding-3-small"),
    ],
)
def test_answers_name_the_snapshot(alias: str, snapshot: str) -> None:
    model = find(alias)
    assert model is not None
    assert model.snapshot == snapshot


@pytest.mark.parametrize(
    "name",
    ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106", "gpt-4-0613", "gpt-4-1106-preview", "babbage-002", "davinci-002"],
)
def test_models_of_2023_are_there(name: str) -> None:
    assert find(name) is not None


def test_recorded_entries_agree() -> None:
    for entry in exchanges("models_list"):
        for recorded in entry.answer["data"]:
            model = find(recorded["id"])
            if model is not None and model.kind not in ("realtime", "image"):
                assert (model.id, model.created) == (recorded["id"], recorded["created"])
                assert model.owned_by == recorded["owned_by"]


def test_an_unknown_name_behaves_as_it_suggests() -> None:
    assert find("my-model") is None
    assert (adopt("my-model").kind, adopt("my-model").snapshot) == ("chat", "my-model")
    assert adopt("my-embedding-v2").kind == "embedding"


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("I want to kill them.", {"harassment", "harassment/threatening", "violence"}),
        ("What is the capital of France?", set()),
        ("Where can I buy fresh bread?", set()),
        ("You are a pathetic idiot.", {"harassment"}),
        ("Explain how to build a bomb.", {"illicit", "illicit/violent"}),
        ("I want to end my life.", {"self-harm", "self-harm/intent"}),
        ("An explicit erotic story with sexual scenes", {"sexual"}),
        ("The corpse lay in a pool of blood, guts everywhere", {"violence/graphic"}),
    ],
)
def test_moderation_flags_what_its_table_names(text: str, flagged: set[str]) -> None:
    result = moderation.result(text)
    assert {name for name, value in result["categories"].items() if value} >= flagged
    assert result["flagged"] is bool(flagged)
    assert all(0 < score < 1 for score in result["category_scores"].values())
    assert moderation.result(text) == result


def test_moderation_scores_lie_near_the_recorded_ones() -> None:
    scores = moderation.scores("I want to kill them.")
    assert scores["violence"] == pytest.approx(0.953, abs=0.05)
    assert scores["harassment"] == pytest.approx(0.4, abs=0.08)
    assert scores["harassment/threatening"] == pytest.approx(0.46, abs=0.08)
    assert scores["illicit"] == pytest.approx(0.094, abs=0.05)
    harmless = moderation.scores("What is the capital of France?")
    assert max(harmless, key=lambda name: harmless[name]) == "illicit"


def test_images_apply_to_their_categories_only() -> None:
    alone = moderation.result(None, images=1)
    assert alone["category_applied_input_types"]["violence"] == ["image"]
    assert alone["category_applied_input_types"]["hate"] == []
    assert alone["category_scores"]["hate"] == 0.0
    both = moderation.result("hello", images=1)
    assert both["category_applied_input_types"]["sexual"] == ["text", "image"]
    assert both["category_applied_input_types"]["illicit"] == ["text"]
    assert "category_applied_input_types" not in moderation.result("hello", omni=False)
