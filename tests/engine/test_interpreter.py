"""The code interpreter that never runs: true logs, and nothing for small talk."""

import pytest

from mockai.engine import interpreter


@pytest.mark.parametrize(
    ("text", "logs", "answer"),
    [
        (
            "I need to solve the equation `3x + 11 = 14`. Can you help me?",
            "[1]",
            "The solution to the equation 3x + 11 = 14 is x = 1.",
        ),
        ("Solve y - 3 = 2y + 1", "[-4]", "The solution to the equation y - 3 = 2y + 1 is y = -4."),
        ("3z = 1", "[1/3]", "The solution to the equation 3z = 1 is z = 1/3."),
        ("What is 12*(3+4)?", "84", "The result of 12*(3+4) is 84."),
        ("2^10 please", "1024", "The result of 2^10 is 1024."),
        ("Work out 8 / 2", "4.0", "The result of 8 / 2 is 4.0."),
        ("What is 5 - 8?", "-3", "The result of 5 - 8 is -3."),
        ("the sum of 3, 4 and 8", "15", "The sum of the 3 numbers is 15."),
        ("the average of 3, 4 and 8", "5.0", "The average of the 3 numbers is 5.0."),
        ("Write some code", "3", "I ran a short program over your request; it printed 3."),
    ],
)
def test_the_logs_are_what_the_code_would_print(text: str, logs: str, answer: str) -> None:
    shown = interpreter.code(text)
    assert (shown.logs, shown.answer) == (logs, answer)
    assert interpreter.wanted(text)


def test_the_code_of_an_equation_is_the_usual_one() -> None:
    source = interpreter.code("Solve 3x + 11 = 14").source
    assert "equation = sp.Eq(3*x + 11, 14)" in source
    compile(source, "shown", "exec")  # it is Python; it is not run


@pytest.mark.parametrize(
    "text", ["Hello there", "How are you?", "See you on 2024-01-02", "pages 10-12", "x", "a = b", "9**9**9", "1/0"]
)
def test_small_talk_and_what_cannot_be_worked_out_ask_for_no_code(text: str) -> None:
    assert not interpreter.wanted(text)


def test_any_text_gives_code_that_is_python() -> None:
    for text in ("", "(" * 3000, "1+" * 2000 + "1", "= = =", "3x=", "ä ö ü", "'; import os #", "\\"):
        compile(interpreter.code(text).source, "shown", "exec")
