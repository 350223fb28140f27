"""Rule files: what loads, and what is wrong where."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockai.app import Application
from mockai.rules import lint
from mockai.rules.load import load
from mockai.rules.places import UnreadableError, read
from mockai.rules.rule import Rule
from mockai.settings import Settings
from tests.command import mockai
from tests.rules.serve import SCENARIOS

PLAIN = "{match: {}, response: {content: x}}"


def only(path: Path) -> Rule:
    loaded = load([path])
    assert loaded.problems == []
    (rule,) = loaded.rules
    return rule


def test_the_scenarios_are_faultless() -> None:
    done = mockai("check", str(SCENARIOS))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "11 rules in 3 files: no errors, no warnings\n"


@pytest.mark.parametrize("opening", ["rules:\n- ", "fixtures:\n- ", "- "])
def test_a_file_is_a_list_or_has_one(tmp_path: Path, opening: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(opening + PLAIN)
    assert only(path).responses[0].content == "x"


def test_a_folder_is_read_by_name_its_own_files_first(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.json", "0/c.yaml", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([{"match": {}, "response": {"content": name}}]))
    loaded = load([tmp_path / "b.yaml", tmp_path])
    assert [rule.responses[0].content for rule in loaded.rules] == ["b.yaml", "a.json", "b.yaml", "0/c.yaml"]
    assert len({rule.identity for rule in loaded.rules}) == 4


def test_json_may_be_indented_with_tabs_and_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '{\n\t"fixtures": [\n\t\t{"match": {"userMessage": "\\ud83d\\ude00"}, "response": {"content": "{]"}}\n]}'
    )
    rule = only(path)
    assert rule.where == f"{path}:3"
    assert rule.match.conditions[0].key is not None
    assert rule.match.conditions[0].key.value == "😀"


def test_dates_in_yaml_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- {match: {userMessage: 2026-01-01}, response: {content: {day: 2026-01-02}}}")
    assert only(path).responses[0].content == '{"day":"2026-01-02"}'


def test_every_response_of_aimock_that_speaks_here(tmp_path: Path) -> None:
    entries = [
        {"match": {"userMessage": "a"}, "response": {"content": {"x": [1]}}},
        {
            "match": {"userMessage": "b"},
            "response": {"toolCalls": [{"name": "f", "arguments": {"x": 1}, "id": "call_9"}]},
        },
        {
            "match": {"userMessage": "c"},
            "response": {
                "blocks": [{"type": "toolCall", "name": "f", "arguments": "{}"}, {"type": "text", "text": "t"}]
            },
        },
        {"match": {"inputText": "d"}, "response": {"embedding": [1, 0.5]}},
        {
            "match": {"userMessage": "e"},
            "response": {"error": {"message": "m", "type": "t", "code": "c"}, "status": 429, "retryAfter": 3},
        },
        {
            "match": {"userMessage": "f", "sequenceIndex": 0, "turnIndex": 1, "hasToolResult": False},
            "response": {"content": "x"},
        },
        {
            "match": {"systemMessage": ["p", "q"], "toolResultContains": "r", "context": "s"},
            "response": {"json": {"k": 1}, "status": 201},
        },
    ]
    path = tmp_path / "aimock.json"
    path.write_text(json.dumps({"fixtures": entries}))
    loaded = load([path])
    assert loaded.problems == []
    said = [rule.responses[0] for rule in loaded.rules]
    assert said[0].content == '{"x":[1]}'
    assert [(call.name, call.arguments, call.id) for call in said[1].calls] == [("f", '{"x":1}', "call_9")]
    assert (said[2].content, said[2].calls[0].name) == ("t", "f")
    assert said[3].embedding == (1.0, 0.5)
    assert said[4].error is not None
    assert (said[4].error.status, said[4].error.code, said[4].error.headers) == (429, "c", {"retry-after": "3"})
    assert loaded.rules[5].sequence == 0
    assert said[6].raw is not None
    assert (said[6].raw.status, said[6].raw.body) == (201, b'{"k":1}')


def test_what_aimock_knows_and_has_no_effect_here_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- match: {}\n  response: {content: x, reasoning: y}\n  chunkSize: 4\n")
    loaded = load([path])
    assert len(loaded.rules) == 1
    assert [(problem.line, problem.severity) for problem in loaded.problems] == [(3, "warning"), (2, "warning")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "- match: {}\n  respnse: {}\n  response: {content: x}",
            2,
            "unknown key `respnse`; did you mean `response`?",
        ),
        ("- match:\n    usermessage: x\n  response: {content: x}", 2, "did you mean `userMessage`?"),
        ("- match: {userMessage: '/(/'}\n  response: {content: x}", 1, "/(/ is no regular expression"),
        ("- match: {}\n  response:\n    error: {status: 400}", 3, "error: has no message"),
        ("- match: {}\n  response:\n    error: {message: 5}", 3, "error: its message 5 is no text"),
        ("- match: {}\n  response:\n    error: {status: 200, message: m}", 3, "200 is no status of an error"),
        ("- match: {}\n  response:\n    error: m\n    retryAfter: soon", 4, '"soon" is no number of seconds'),
        ("- match: {}\n  response:\n    content: x\n    usage: {prompt: 3}", 4, "prompt: 3 counts no tokens"),
        ("- match: {}\n  response:\n    content: x\n    status: 7\n    error: m", 4, "status: 7 is no HTTP status"),
        ("- match: {}\n  response: {}", 2, "a response answers nothing"),
        ("- match: {}", 1, "a rule has no `response`"),
        ("- match: {}\n  response: {content: x}\n  responses: [{content: x}]", 1, "both `response` and `responses`"),
        (
            "- match: {}\n  response:\n    content: x\n    times: 2",
            4,
            "unknown key `times`; it belongs beside `match` and `response`",
        ),
        (
            "- match: {}\n  response: {content: x}\n  toolCalls: []",
            3,
            "unknown key `toolCalls`; it belongs into `response`",
        ),
        (
            "- match: {}\n  model: gpt-4o\n  response: {content: x}",
            2,
            "`model`; it belongs into `response` or into `match`",
        ),
        ("- match: {}\n  response: {content: x}\n  userMessage: x", 3, "`userMessage`; it belongs into `match`"),
        ("rules:\n- match: {}\n  response: {content: x}\ntimes: 2", 4, "unknown key `times`; known are rules"),
        ("- match: {}\n  times: 0\n  response: {content: x}", 2, "times: 0 is no whole number from 1 on"),
        ("- match: {}\n  response: {content: x}\n  times: 1\n  times: 2", 4, "`times` stands here a second time"),
        (
            "- match: {}\n  response:\n    toolCalls:\n      - {name: a}\n      - {nam: b}",
            5,
            "a tool call has no name",
        ),
        ("- match: {}\n  response: {finishReason: end}", 2, "'end' is none"),
        ("- match: {}\n  response:\n    raw: {status: 200}", 3, "raw: needs either a body or chunks"),
        ("- match: {endpoint: 7}\n  response: {content: x}", 1, "endpoint: 7 is no name"),
        ("- 7", 1, "7 is no rule"),
        ("rules: 7", 1, "7 is no list of rules"),
        ("- match: [", 1, "is not YAML"),
        ("hello: world", 1, "holds no rules; write `rules:`"),
        ("", 1, "holds no rules"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    errors = [str(problem) for problem in load([path]).errors]
    assert len(errors) == 1
    if "is not YAML" not in words:
        assert errors[0].startswith(f"{path}:{line}: ")
    assert words in errors[0]


def test_check_prints_all_and_fails_on_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- match: {usermessage: x}\n  response: {content: x}\n- {match: {}, response: {contnt: y}}\n")
    done = mockai("check", str(path), str(tmp_path / "gone.yaml"))
    assert done.returncode == 1
    assert f"{path}:1: error: unknown key `usermessage`; did you mean `userMessage`?" in done.stdout
    assert f"{path}:3: error: unknown key `contnt`; did you mean `content`?" in done.stdout
    assert "gone.yaml:1: error: cannot be read" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("errors, no warnings")
    assert mockai("check").returncode == 2


def test_serve_refuses_broken_rules_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- match: {}\n  respnse: {content: x}\n")
    done = mockai("serve", "--port", "0", "-f", str(path))
    assert done.returncode == 2
    assert f"{path}:2: unknown key `respnse`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("{userMessage: a}", "{userMessage: abc}", "is never met"),
        ("{}", "{model: gpt-4o}", "is never met"),
        ("{model: gpt-4*}", "{model: gpt-4o, userMessage: x}", "is never met"),
        ("{userMessage: abc}", "{userMessage: a}", None),
        ("{model: gpt-4o}", "{model: gpt-4*}", None),
        ("{endpoint: chat}", "{}", None),
        ("{userMessage: x, sequenceIndex: 0}", "{userMessage: x}", None),
        (
            "{userMessage: x, sequenceIndex: 0}",
            "{userMessage: x, sequenceIndex: 2}",
            "no rule of the same match has 1",
        ),
        ("{userMessage: x}", "{userMessage: 'say .*'}", "write /say .*/ for a regular expression"),
        ("{userMessage: x}", "{endpoint: chta}", "did you mean `chat`?"),
        ("{userMessage: x}", "{endpoint: chat.completion}", "never met; did you mean `chat.completions.create`?"),
        ("{userMessage: x}", "{endpoint: assistants.create}", "did you mean `beta.assistants.create`?"),
        ("{userMessage: x}", "{endpoint: files.lst}", "did you mean `files.list`?"),
        ("{userMessage: x}", "{endpoint: responses}", "never met; the server has no `responses.create`"),
        ("{userMessage: x}", "{endpoint: response.create}", "never met; the server has no `responses.create`"),
        ("{userMessage: x}", "{endpoint: [chat, chta]}", "`chta` here; did you mean `chat`?"),
        ("{userMessage: x}", "{endpoint: zzz}", "`mockai routes` lists the operations"),
        ("{userMessage: x}", "{endpoint: embedding}", "takes nothing from this response"),
    ],
)
def test_check_warns_of_what_is_doubtful(tmp_path: Path, first: str, second: str, words: str | None) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"- match: {first}\n  response: {{content: a}}\n- match: {second}\n  response: {{content: b}}\n")
    done = mockai("check", str(path))
    assert done.returncode == 0
    warnings = [line for line in done.stdout.splitlines() if ": warning: " in line]
    if words is None:
        assert warnings == []
    else:
        assert len(warnings) == 1
        assert warnings[0].startswith(f"{path}:3: warning: ")
        assert words in warnings[0]


def test_serve_tells_what_is_doubtful(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- match: {endpoint: chta}\n  response: {content: x}\n")
    Application(Settings(fixtures=(path,)))
    assert caplog.messages == [
        f"{path}:1: endpoint: nothing is called `chta` here, so the rule is never met; did you mean `chat`?"
    ]


def test_a_thousand_rules_are_compared_in_no_time(tmp_path: Path) -> None:
    """Measured in comparisons: rules with different words are not compared."""
    entries = [
        {"match": {"userMessage": f"question {at} of many"}, "response": {"content": "x"}} for at in range(1000)
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(entries))
    with patch.object(lint._Demands, "implied_by", autospec=True, return_value=False) as compared:
        assert lint.lint(load([path]).rules, ["chat.completions.create"]) == []
    assert compared.call_count == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('a"\\{}[]:,\n é', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"{,', max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(value=JSON)
def test_every_value_of_a_json_text_has_its_line(value: Any) -> None:
    text = json.dumps(value, indent=1)
    data, place = read(text, json=True)
    assert data == value

    def walk(inner: Any, path: tuple[str | int, ...]) -> None:
        steps = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        line = 0
        for step, child in steps:
            found = place.line_of((*path, step))
            assert found > line, "each child of an indented container has a line of its own"
            assert json.dumps(step if isinstance(inner, dict) else child)[:1] in text.splitlines()[found - 1]
            line = found
            walk(child, (*path, step))

    walk(value, ())


@pytest.mark.parametrize("text", ["[1,", '{"a" 1}', "\x00", "a: b: c", "- &a\n  *b"])
def test_what_cannot_be_read_is_one_clear_error(text: str) -> None:
    for json_wanted in (True, False):
        with pytest.raises(UnreadableError):
            read(text if json_wanted or ":" in text or "*" in text or "\x00" in text else "[", json=json_wanted)
