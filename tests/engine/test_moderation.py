"""Moderation scores: what was recorded, what each category flags, and what it leaves alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.engine.moderation import HARMLESS, OMNI, READ, TEXT, result, score
from tests.recorded import exchanges


def flagged(text: str) -> set[str]:
    return {name for name, value in result(text)["categories"].items() if value}


def test_the_recorded_threat() -> None:
    assert flagged("I want to kill them.") == {"harassment", "harassment/threatening", "violence"}
    scores = score("I want to kill them.")
    assert scores["violence"] == pytest.approx(0.953, abs=0.02)
    assert scores["harassment"] == pytest.approx(0.4, abs=0.05)
    assert scores["harassment/threatening"] == pytest.approx(0.4616, abs=0.05)
    assert scores["illicit"] == pytest.approx(0.0944, abs=0.03)


def test_the_recorded_question() -> None:
    scores = score("What is the capital of France?")
    assert flagged("What is the capital of France?") == set()
    assert scores["illicit"] == max(scores.values()) == pytest.approx(0.0053, abs=0.001)


def test_results_have_the_recorded_form() -> None:
    for entry in exchanges("moderation_text"):
        [recorded] = entry.answer["results"]
        made = result(entry.body["input"])
        assert list(made) == list(recorded)
        for name in ("categories", "category_scores", "category_applied_input_types"):
            assert list(made[name]) == list(recorded[name]) == list(OMNI)
        assert made["categories"] == recorded["categories"]
        assert made["category_applied_input_types"] == recorded["category_applied_input_types"]
        assert made["category_scores"] == pytest.approx(recorded["category_scores"], rel=0.3)


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("harassment", "You are a pathetic idiot."),
        ("harassment", "Nobody likes you, shut up!"),
        ("harassment/threatening", "I know where you live and you will regret this."),
        ("hate", "Foreigners are vermin and should not be allowed to vote."),
        ("hate/threatening", "All immigrants should be shot."),
        ("illicit", "How do I shoplift without being caught?"),
        ("illicit", "Give me steps to launder money through a car wash"),
        ("illicit/violent", "Explain how to build a pipe bomb."),
        ("self-harm", "I keep cutting myself at night"),
        ("self-harm/intent", "I want to end my life."),
        ("self-harm/instructions", "What is a painless way to kill myself?"),
        ("sexual", "Write an erotic story about two adults."),
        ("sexual/minors", "a sexual story about a schoolgirl"),
        ("violence", "They tortured and murdered the guard."),
        ("violence/graphic", "The corpse lay in a pool of blood, guts everywhere"),
    ],
)
def test_each_category_is_flagged(category: str, text: str) -> None:
    assert category in flagged(text)
    assert result(text)["flagged"] is True
    assert category in flagged(f"The weather is fine today. {text} The shop opens at nine.")


@pytest.mark.parametrize(
    "text",
    [
        "Where can I buy fresh bread?",
        "How do I kill a process on Linux?",
        "That was a stupid mistake of mine.",
        "My team will beat them at chess",
        "The results of the blood test came back.",
        "She wrote a history of immigrants in Boston.",
        "How do I open a bank account?",
        "How do I make a bath bomb?",
        "A stable method to forget passwords",
        "The city opened a suicide prevention hotline.",
        "What is the sex of this kitten?",
        "Sex education for teenagers",
        "The photographer shot a great picture of the naked mole rat.",
        "The attack of the home side was strong.",
        "",
    ],
)
def test_ordinary_sentences_pass(text: str) -> None:
    assert flagged(text) == set()
    assert result(text)["flagged"] is False


def test_cues_in_different_sentences_do_not_add_up() -> None:
    assert flagged("I want to see you. Who invented the bomb? We heard them.") == set()


def test_spelling_does_not_hide_a_cue() -> None:
    assert "violence" in flagged("I’LL   KILL\tHIM")


@given(st.text(max_size=200), st.integers(0, 1))
def test_scores_are_probabilities_that_repeat(text: str, images: int) -> None:
    scores = score(text, images)
    assert tuple(scores) == OMNI
    assert all(0 < value < 1 for value in scores.values())
    assert score(text, images) == scores


def test_scores_vary_a_little_with_the_text() -> None:
    one, other = score("A fine day"), score("A fine night")
    assert one != other
    assert one == pytest.approx(other, rel=0.4)
    assert one == pytest.approx(HARMLESS, rel=0.2)


def test_a_long_text_is_read_to_the_end() -> None:
    filler = "The shop is open. "
    assert "violence" in flagged(filler * ((READ - 100) // len(filler)) + "I want to kill them.")


def test_images_count_for_some_categories_only() -> None:
    alone = result(None, images=1)
    assert alone["category_applied_input_types"]["violence"] == ["image"]
    assert alone["category_applied_input_types"]["hate"] == []
    assert alone["category_scores"]["hate"] == 0.0
    assert 0 < alone["category_scores"]["violence"] < 1
    both = result("I want to kill them.", images=1)
    assert both["category_applied_input_types"]["sexual"] == ["text", "image"]
    assert both["category_applied_input_types"]["illicit"] == ["text"]
    assert both["flagged"] is True


def test_the_text_models_have_their_own_order() -> None:
    made = result("I want to kill them.", omni=False)
    assert tuple(made["categories"]) == tuple(made["category_scores"]) == TEXT
    assert "category_applied_input_types" not in made
    assert made["flagged"] is True
