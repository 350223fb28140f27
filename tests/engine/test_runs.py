"""What a turn of a run does, without ids, clock or store."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from mockai.engine import accounting, catalogue, runs
from mockai.engine.runs import Turn, script, ticks

MODEL = catalogue.find("gpt-4o")
assert MODEL is not None
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the weather at a place",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    },
}
CODE, SEARCH = {"type": "code_interpreter"}, {"type": "file_search"}


@dataclass(frozen=True)
class Found:
    text: str
    file_id: str = "file-1"
    filename: str = "foods.txt"
    score: float = 0.7
    attributes: dict[str, Any] = field(default_factory=dict)


FOODS = Found("Favorite foods of several people.\n- Effie: pizza\n- Filip Carola's food: cake")


def turn(text: str, *hosted: Any, found: tuple[Found, ...] = (FOODS,), body: Any = None, **changes: Any) -> Turn:
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **(body or {})}
    assert MODEL is not None
    return Turn(chat, MODEL, 0, hosted, **{"search": lambda query: found, **changes})


def kinds(made: Any) -> list[str]:
    return [act["kind"] for act in made["acts"]]


def said(act: Any) -> str:
    return "".join(act["pieces"])


def test_small_talk_is_answered_in_text_whatever_the_tools() -> None:
    made = script(turn("Hello!", CODE, SEARCH, body={"tools": [WEATHER]}))
    assert (kinds(made), made["end"]) == (["message"], "finish")
    assert made["acts"][0]["usage"]["completion"] >= len(made["acts"][0]["pieces"])


def test_functions_that_the_message_names_are_called_and_end_the_turn() -> None:
    made = script(turn("What is the weather in Paris, London and Rome?", CODE, body={"tools": [WEATHER]}))
    (act,) = made["acts"]
    assert (act["kind"], made["end"]) == ("function", "require")
    assert [call["arguments"] for call in act["calls"]] == [
        f'{{"location": "{city}"}}' for city in ("Paris", "London", "Rome")
    ]
    assert all("".join(call["pieces"]) == call["arguments"] for call in act["calls"])
    single = {"tools": [WEATHER], "parallel_tool_calls": False}
    assert len(script(turn("What is the weather in Paris, London and Rome?", body=single))["acts"][0]["calls"]) == 1


@pytest.mark.parametrize(
    ("choice", "text", "expected"),
    [
        ("none", "Solve 3x = 6", ["message"]),
        ("auto", "Solve 3x = 6", ["code_interpreter", "message"]),
        ("required", "Hello", ["code_interpreter", "message"]),
        ({"type": "code_interpreter"}, "Hello", ["code_interpreter", "message"]),
        ({"type": "file_search"}, "Hello", ["file_search", "message"]),
        ("auto", "Which food does Filip like?", ["file_search", "message"]),
    ],
)
def test_a_tool_choice_holds_for_hosted_tools(choice: Any, text: str, expected: list[str]) -> None:
    assert kinds(script(turn(text, CODE, SEARCH, choice=choice))) == expected


def test_a_search_without_stores_is_not_made() -> None:
    assert kinds(script(turn("Which food does Filip like?", SEARCH, search=None))) == ["message"]


def test_what_was_found_is_cited_at_its_place() -> None:
    made = script(turn("Which food does Filip Carola like?", SEARCH))
    search, message = made["acts"]
    assert search["calls"][0]["results"][0]["content"] == [{"type": "text", "text": FOODS.text}]
    text, ((piece, citation),) = said(message), message["citations"].items()
    assert text == "Filip Carola's food: cake【4:0†foods.txt】."
    assert text[citation["start_index"] : citation["end_index"]] == citation["text"] == message["pieces"][int(piece)]


def test_several_files_are_cited_each() -> None:
    other = Found("Filip Carola's drink: 茶 tea.", "file-2", "drinks.txt")
    message = script(turn("What does Filip Carola like?", SEARCH, found=(FOODS, other)))["acts"][1]
    text = said(message)
    for citation in message["citations"].values():
        assert text[citation["start_index"] : citation["end_index"]] == citation["text"]
    assert {entry["file_citation"]["file_id"] for entry in message["citations"].values()} == {"file-1", "file-2"}


def test_nothing_found_is_answered_in_own_words() -> None:
    made = script(turn("What is the capital city of France?", SEARCH, found=()))
    assert kinds(made) == ["file_search", "message"]
    assert made["acts"][1]["citations"] == {}


def test_prompts_count_as_recorded() -> None:
    """Two of the recorded prompts (assistants.md §10), and what the next step of each adds."""
    frame = {"role": "system", "content": "Please address the user as Jane Doe. The user has a premium account."}
    ask = {"role": "user", "content": "I need to solve the equation `3x + 11 = 14`. Can you help me?"}
    code, message = script(turn("", CODE, body={"messages": [frame, ask]}))["acts"]
    assert code["usage"]["prompt"] == 154
    logs = accounting.count_text(MODEL, "[1]") if MODEL else 0
    assert message["usage"]["prompt"] == 154 + code["usage"]["completion"] + 11 + logs
    search = script(turn("Using the files you have available, what's Filip's favorite food?", SEARCH))["acts"][0]
    assert search["usage"]["prompt"] == 830


def test_a_limit_of_completion_tokens_breaks_the_answer_off() -> None:
    made = script(turn("Tell me a story", completion_left=16))
    (message,) = made["acts"]
    assert (made["end"], made["reason"], message["cut"]) == ("cap", "max_completion_tokens", "max_tokens")
    assert message["usage"]["completion"] == 16
    code = script(turn("Solve 3x = 6", CODE, completion_left=12))
    assert (code["end"], code["acts"][0]["usage"]["completion"]) == ("cap", 12)


def test_a_limit_of_prompt_tokens_ends_the_turn_before_it_begins() -> None:
    made = script(turn("Which food does Filip like?", SEARCH, prompt_left=256))
    assert (made["acts"], made["end"], made["reason"]) == ([], "cap", "max_prompt_tokens")


@pytest.mark.parametrize(
    ("forced", "end"),
    [("fail", "fail"), ("expire", "expire"), ("cancel", "cancel"), ("incomplete", "cap"), ("rate_limit", "fail")],
)
def test_an_end_can_be_forced(forced: str, end: str) -> None:
    made = script(turn("Tell me a story", forced=forced))
    assert made["end"] == end
    if forced == "rate_limit":
        assert (made["acts"], made["error"]) == ([], "rate_limit_exceeded")
    elif forced != "incomplete":
        assert 1 < made["ticks"] < len(list(ticks(made["acts"])))


def test_ticks_come_in_order_and_the_end_comes_last() -> None:
    for text in ("Solve 3x = 6", "Which food does Filip like?", "Hello"):
        made = script(turn(text, CODE, SEARCH))
        moments = [tick.at for tick in ticks(made["acts"])]
        assert moments == sorted(moments)
        assert made["seconds"] > moments[-1]


def test_the_same_turn_does_the_same() -> None:
    assert script(turn("Tell me a story", SEARCH)) == script(turn("Tell me a story", SEARCH))


def test_the_newest_messages_fit_and_the_older_ones_go() -> None:
    assert MODEL is not None
    messages = [{"role": "user", "content": f"Message number {at}, which is of some length."} for at in range(50)]
    frame = {"messages": [{"role": "system", "content": "Be kind."}]}
    taken = accounting.prompt_of(frame, MODEL).total
    costs = [(message, accounting.message_cost(message, MODEL)) for message in messages]
    kept, size = runs.fitting(reversed(costs), taken, MODEL, 256)
    assert 0 < len(kept) < 50
    assert kept == messages[-len(kept) :]
    whole = accounting.prompt_of({"messages": [*frame["messages"], *kept]}, MODEL).total
    assert whole == taken + size
    assert whole <= 256 < whole + costs[0][1]
    assert runs.fitting(reversed(costs), taken, MODEL, 1)[0] == messages[-1:]
    assert runs.fitting(reversed(costs), taken, MODEL, None)[0] == messages
