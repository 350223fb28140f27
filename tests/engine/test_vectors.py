"""Embeddings: unit length, exact repetition, and near vectors for near texts."""

import base64
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mockai.engine import vectors

SMALL = ("text-embedding-3-small", 1536)

LABELLED = {
    "cooking": [
        "Whisk the eggs before you add the flour.",
        "My grandmother's soup always needs more salt.",
        "How long should I roast a chicken?",
        "The bakery sells fresh bread every morning.",
        "Fry the onions until they are golden.",
        "This dessert has too much sugar in it.",
        "A good pasta sauce starts with ripe tomatoes.",
        "We had cheese and fruit for breakfast.",
        "Let the dough rest in a warm place for an hour.",
        "The chef recommends grilled fish with garlic butter.",
    ],
    "football and other sports": [
        "The striker scored twice in the final match.",
        "Our team lost the championship by one goal.",
        "The coach wants the players to run more.",
        "She won a medal at the swimming tournament.",
        "The referee stopped the game in the second half.",
        "He has played tennis since he was six.",
        "Thousands of fans filled the stadium.",
        "The marathon runner finished in record time.",
        "They signed a new defender for next season.",
        "Basketball practice starts at five.",
    ],
    "programming": [
        "The function returns an array of strings.",
        "I can't find the bug in this Python script.",
        "Please commit the code to the repository.",
        "The compiler reports a syntax error.",
        "How do I query the database from my software?",
        "Unit tests should run before every deploy.",
        "This algorithm sorts a list in linear time.",
        "The server throws an exception at startup.",
        "Declare the variable outside of the loop.",
        "Our API library supports JavaScript and Rust.",
    ],
    "travel": [
        "The flight to Lisbon was delayed by two hours.",
        "We booked a hotel close to the beach.",
        "Don't forget your passport and your luggage.",
        "The tourist guide showed us the old town.",
        "Which airport is nearest to the island?",
        "Our vacation starts with a train journey.",
        "The airline lost my suitcase again.",
        "You need a visa to visit that country as a tourist.",
        "They planned a cruise for their trip.",
        "Boarding begins at gate twelve.",
    ],
    "health": [
        "The doctor prescribed a new medicine.",
        "She has had a fever and a cough since Monday.",
        "Regular exercise lowers your blood pressure.",
        "The patient recovers in the hospital after surgery.",
        "Drink water if you have a headache.",
        "The vaccine protects against the virus.",
        "My dentist says I should sleep more and stress less.",
        "The nurse checked the symptoms of the disease.",
        "Therapy can help with an injury of the muscle.",
        "Vitamins are part of a balanced diet.",
    ],
    "money": [
        "The bank raised its interest rate again.",
        "I want to invest my savings in stocks.",
        "Her salary is paid at the end of the month.",
        "The company reported a profit for the quarter.",
        "He took out a loan to buy the apartment and pays the mortgage.",
        "Inflation makes every budget smaller.",
        "You have to pay tax on your income.",
        "The market lost five percent of its shares' value.",
        "Please send the invoice to the finance department.",
        "The dollar fell against the euro.",
    ],
}
SENTENCES = [(topic, sentence) for topic, sentences in LABELLED.items() for sentence in sentences]


def embed(*texts: str, dimensions: int = 1536) -> vectors.Vectors:
    return vectors.embed(texts, *SMALL, dimensions)


def test_the_nearest_neighbour_is_of_the_same_topic() -> None:
    rows = embed(*(sentence for _, sentence in SENTENCES))
    near = rows @ rows.T
    np.fill_diagonal(near, -1)
    right = sum(SENTENCES[at][0] == SENTENCES[int(best)][0] for at, best in enumerate(near.argmax(axis=1)))
    assert len(SENTENCES) >= 60
    assert right / len(SENTENCES) >= 0.9


def test_a_question_finds_its_passage() -> None:
    passages = [sentence for _, sentence in SENTENCES[::3]]
    rows = embed(*passages)
    for question, passage in (
        ("Which medicine did the doctor prescribe?", "The doctor prescribed a new medicine."),
        ("Was the flight to Lisbon delayed?", "The flight to Lisbon was delayed by two hours."),
        ("Who won a medal in swimming?", "She won a medal at the swimming tournament."),
    ):
        best = int((rows @ embed(question)[0]).argmax())
        near = float(embed(passage)[0] @ embed(question)[0])
        assert passages[best] == passage or near > float(rows[best] @ embed(question)[0])


@limits(max_examples=60)
@given(st.text(min_size=1, max_size=60), st.sampled_from([1, 3, 128, 512, 1535, 1536]))
def test_every_text_has_unit_length_and_fewer_dimensions_are_a_truncation(text: str, dimensions: int) -> None:
    whole = embed(text)[0].astype(np.float64)
    short = embed(text, dimensions=dimensions)[0].astype(np.float64)
    assert abs(np.linalg.norm(short) - 1) < 1e-6
    head = whole[:dimensions]
    if np.linalg.norm(head) > 0:
        assert np.allclose(short, head / np.linalg.norm(head), atol=1e-6)


def test_the_same_bytes_alone_in_company_and_after_other_texts() -> None:
    text = "The quick brown fox jumps over the lazy dog."
    alone = vectors.embed_base64([text], *SMALL, 1536)[0]
    many = vectors.embed_base64([f"word{number} other" for number in range(9000)] + [text], *SMALL, 1536)
    assert many[-1] == alone
    assert vectors.embed_base64([text], *SMALL, 1536)[0] == alone


@limits(deadline=None, max_examples=40)
@given(text=st.text(max_size=400), dimensions=st.integers(1, 1536))
def test_base64_holds_the_very_floats(text: str, dimensions: int) -> None:
    shown = vectors.embed_base64([text], *SMALL, dimensions)
    assert base64.b64decode(shown[0]) == vectors.embed([text], *SMALL, dimensions)[0].tobytes()


def test_these_very_bytes_on_every_machine() -> None:
    row = embed("hello world", dimensions=4)[0]
    assert vectors.embed_base64(["hello world"], *SMALL, 4) == vectors.embed_base64(["hello world"], *SMALL, 4)
    assert row.tobytes().hex() == PINNED


PINNED = "8761503ecf88e73d537f963ea1526dbf"


def test_order_case_and_blanks_make_a_small_difference() -> None:
    first, swapped = embed("man bites dog", "dog bites man")
    assert not np.array_equal(first, swapped)
    assert 0.7 < float(first @ swapped) < 1
    plain, loud = embed("good morning", "Good  morning")
    assert not np.array_equal(plain, loud)
    assert float(plain @ loud) > 0.9


@pytest.mark.parametrize("text", [" ", "\n", "🙂", "日本語のテキスト", "the of and", "\u0000"])
def test_unusual_texts_have_a_vector_of_their_own(text: str) -> None:
    row, other = embed(text, f"{text}{text}")
    assert abs(float(np.linalg.norm(row)) - 1) < 1e-6
    assert not np.array_equal(row, other)


def test_models_have_spaces_of_their_own_and_long_texts_are_fine() -> None:
    large = vectors.embed(["hello"], "text-embedding-3-large", 3072, 3072)
    assert large.shape == (1, 3072)
    long = " ".join(f"word{number}" for number in range(8000))
    assert embed(long).shape == (1, 1536)
    assert float(embed(long)[0] @ embed(long)[0]) == pytest.approx(1, abs=1e-6)


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_words_are_the_same_in_ascii_and_elsewhere(text: str) -> None:
    """An unknown word of another script sends the text the long way, and changes nothing but itself."""
    space = vectors._space(*SMALL)
    short, long = (space._features(entry)[:-2] for entry in (text, f"{text} \u00e9"))
    words = len(long) // 2
    assert short == [row for at, row in enumerate(long) if at not in (words, len(long) - 1)]


WORD = st.sampled_from(["the", "cat", "Dog", "caf\u00e9", "of", "x" * 70, "word", "42", " ", "\n", "!"])
TEXT = st.lists(WORD, max_size=12).map(" ".join) | st.integers(0, 150).map(lambda count: "river boat " * count)


@limits(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=12))
def test_a_batch_sums_the_rows_of_each_text(texts: list[str]) -> None:
    space = vectors._space(*SMALL)
    for text, total in zip(texts, space.sums(texts), strict=True):
        rows = [row.to_bytes(2 * vectors.CORE, "little") for row in space._features(text)]
        lanes = np.frombuffer(b"".join(rows), "<u2").reshape(-1, vectors.CORE).astype(np.int64) - vectors.BIAS
        assert np.array_equal(lanes.sum(axis=0), total)


def test_a_batch_of_several_groups_and_generations_of_words_sums_the_same() -> None:
    texts = [" ".join(f"w{text}x{at}" for at in range(300)) for text in range(40)]
    space = vectors._Space("test", 1536)
    sums = space.sums(texts)
    assert sum(len(text.split()) for text in texts) > vectors.REMEMBERED > len(space._numbered)
    for text in (0, 13, 39):
        assert np.array_equal(space.sums([texts[text]])[0], sums[text])


def test_words_learned_by_several_threads_keep_their_numbers() -> None:
    space, names = vectors._Space("test", 1536), [f"n{number}" for number in range(1500)]
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(lambda shift: space.sums([*names[shift:], *names[:shift]]), range(0, 800, 100))]
    numbers = [number for word, number in space._numbered.items() if word.startswith(b"n")]
    assert len({*numbers}) == len(names)
    for shift, sums in zip(range(0, 800, 100), made, strict=True):
        assert np.array_equal(np.roll(sums, shift, axis=0), made[0])


def test_common_words_say_nothing_however_full_the_memory_was() -> None:
    known = vectors._Known(lambda word: (len(word), 1, 1))
    for number in range(vectors.REMEMBERED + 5):
        assert known[b"w%d" % number]
        assert known[b"the"] == ()
    assert len(known) <= vectors.REMEMBERED
