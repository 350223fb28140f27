"""What a text mentions: names, numbers, dates, codes and the like, each kind in the order of the text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import takewhile
from urllib.parse import urlsplit

_THOUSANDS = (
    r"(?:(?<=[$€£¥])\d{1,3}(?:,\d{3})+|[1-9]\d?(?:,\d{3})+|\d{3}(?:,\d{3})+(?=\.\d)|\d{1,3}(?:,\d{3})*,000)(?!,?\d)"
)
_NUMBER = re.compile(rf"(?<![\w.])(?<!\w-)-?(?:{_THOUSANDS}|\d+)(?:\.\d+)?(?!\w|\.\d)")
_PRICE = re.compile(r"[$€£¥] ?(\d+(?:,\d{3})*(?:\.\d+)?)")
MOST_FIGURES = 18
"""Characters of a number: more do not go into 64 bits."""
_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|'([^'\n]{2,200})'(?![a-z])|`([^`\n]{1,200})`")
_COUNTRIES = (
    "Argentina|Australia|Austria|Belgium|Brazil|Canada|Chile|China|Denmark|Egypt|England|Finland|France|Germany|"
    "Greece|Iceland|India|Ireland|Israel|Italy|Japan|Kenya|Mexico|Morocco|Netherlands|Nigeria|Norway|Peru|Poland|"
    "Portugal|Scotland|South Africa|South Korea|Spain|Sweden|Switzerland|Turkey|UK|USA|United States"
)
_CAPITAL = r"(?:(?:Dr|Mrs?|Ms|Prof|St|Mt|Jr|Sr|[A-Z])\.|[A-Z](?:[\w'’-]|\.(?=\w))*)"
_NAME = re.compile(
    rf"{_CAPITAL}(?: (?:(?:of|de|la|the|van) )?{_CAPITAL})*+(?:, (?:[A-Z]{{2}}|{_COUNTRIES})\b)?(?!\w)"
)
_INTRODUCED = re.compile(
    rf"\b(?:(?i:my name is|name is|named|called|i am|i['’]m|this is|signed|by)|(?<!\w)—) ({_CAPITAL}(?: {_CAPITAL})*)"
    r"|\b(?i:name is|named|called) ([a-z][a-z'’-]+)\b"
)
_BEHIND_PLACE = re.compile(r"\b(?:in|at|near|to|from|of|visit|visiting) (?:the )?$", re.I)
_OPENS = re.compile(r"(?:^|[.;:!?\n])[ \t]*$")
_NOUN = re.compile(r" (?!(?:and|or|are|can|had|has|have|is|must|should|was|were|will|would|\w+(?:s|ed)) )[a-z]\w+")
_SPOT = re.compile(r"\b(?:in|at|near) (?:the )?((?:[a-z]{3,} ?){1,3})")
_DATE = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")
_MOMENT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})\b")
_TIME = re.compile(r"\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\s?[ap]m\b)?|\b1?\d\s?[ap]m\b", re.I)
_DAY = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|(?:next )?(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", re.I
)
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "|".join(f"{month}|{month[:3]}\\b\\.?" for month in _MONTHS)
_NTH = r"(\d{1,2})(?:st|nd|rd|th)?"
_SPELLED = re.compile(rf"\b(?:{_NTH} (?:of )?({_MONTH})|({_MONTH}) {_NTH}(?![\d:]))(?:,? (\d{{4}}))?(?!\w)", re.I)
_HAPPENING = re.compile(
    r"\b(?i:to|for|attend(?:s|ing)?|ha(?:s|ve|ving)|hosts?|hosting|plan|planning|schedule|book|organi[sz]e|create|add|at)"
    r" (?:an?|the|our|my|their|his|her) ((?:[\w-]+ ?){1,5})"
)
_NUMERIC_DAY = re.compile(r"(?<![\w/.-])\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?![\w/-])")
_PHONE = re.compile(r"(?<![\w-])(?:\+\d|\(\d|\d)[\d ()./-]{5,18}\d(?![\w-])")
_CALLED = re.compile(r"(?<![\w-])(?:\+\d|\(\d{3}\))[\d ()./-]{5,18}\d(?![\w-])")
_POSTCODE = re.compile(r"(?<![\w.-])\d{5}(?:-\d{4})?(?![\w.-])")
_PATH = re.compile(r"(?<![\w:/.-])(?:~|\.{1,2})?/?(?:[\w.-]++/)+[\w.-]*+|(?<![\w@/.-])[\w-]++\.[a-z]{1,4}\b(?!\.)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_SAID = re.compile(
    r"\b(?i:saying|says|reads|reading|that says|with the (?:text|message|body|words)):? "
    r"[\"'“]?(.{1,200}?)[\"'”]?(?:[.!?\n]|$)"
)
_TASK = re.compile(
    r"\b(?i:remind(?: me)?|remember|todo|task|note|reminder) (?:to|that) (.{1,120}?)"
    r"(?= (?:today|tomorrow|tonight|(?:next|this|on|at|by) )|[.!?,\n]|$)"
)
_URL = re.compile(r"https?://[^\s\"'<>)]{1,500}(?<![.,;:!?])")
_NEXT_LABEL = re.compile(r"(?:[.,]\s+|\s{2,})(?=[A-Z][\w ]{0,24}:)|\.(?:\s|$)")
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+(.{1,200})$", re.M)
_LABEL = re.compile(r"(?:^|[.;\n])[ \t]*[A-Z][\w ]{0,24}:[^,.;\n]*$")
_THING = r"[\w'’-]++(?: [\w'’-]++){0,3}"
_LIST = re.compile(
    rf"(?<![\w'’-])(?:(?:{_THING}, ){{1,20}}(?:{_THING},? )?(?:and|or) {_THING}|(?:{_THING}, ){{2,20}}{_THING})"
)
_COMMA = re.compile(r",? (?:and|or|&) |[,;] ?(?:and |or )?")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I)
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]\d)")
_IDENTIFIER = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z_-])[A-Za-z0-9][\w-]{2,63}|#\d{1,18}\b")
_CODE = re.compile(r"(?<![\w.@-])(?:[A-Z][A-Z0-9]{1,5}(?:[.-][A-Z]{1,2})?|(?<=\$)[A-Z])(?![\w-])")
_FORMULA = re.compile(r"(?<![\d(.])[\d(][\d\s().x^*/+=-]{0,100}[*/+=^-][\d\s().x^*/+=-]{0,100}[\d)x]")
_WORD = re.compile(r"[a-z0-9]+")

NUMBER_WORDS = {
    word: number
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_SIGNS = {"USD": r"\$|\bdollars?\b", "EUR": r"€|\beuros?\b", "GBP": r"£|\bpounds?\b", "JPY": r"¥|\byen\b"}
# Words that start sentences, or are capitalised for other reasons, and are no names.
NO_NAMES = frozenset(
    (
        "a an and any are as book but can cancel change check compare convert could create delete describe did do "
        "does draft explain extract fetch find for from generate get give hello hey hi how i i'd i'll i'm i've if in "
        "invite is it its let list look make may my no not now of on or order please remind schedule search send set "
        "should show so solve tell thank thanks that the then there these they this to translate turn update use was "
        "best bonjour cheers client customer dear extract only passenger patient regards sincerely sorry title user "
        "we what what's when where which who who's whose why will with would write yes you your json today tomorrow "
        "yesterday monday tuesday wednesday thursday friday saturday sunday celsius fahrenheit"
    ).split()
)
# What stands behind «in the» or «at the», and is no place.
NO_SPOTS = NO_NAMES | frozenset(
    (
        "advance afternoon all at back by case cm days detail end english evening favor following form format front "
        "general hours km least minutes moment month morning most night of off on once order past right same short "
        "please some style text this time total week with word words year"
    ).split()
)
_TITLE = re.compile(r"^[A-Z][\w-]+(?: (?!(?:with|for|on|at|in|of|and|to|from|is|are|will) )[a-z][\w-]+){1,3}")
# What ends the name of something that happens: «a science fair on Friday».
NO_HAPPENING = frozenset(
    "and at by called for from if in named next of on that this to today tomorrow tonight when where with".split()
)
# Capitals that are no codes.
NO_CODES = frozenset("AI AM API ASAP CEO CSV DIY FAQ HTML HTTP ID IT JSON OK PDF PM PS SQL TV URL XML".split())


def words(text: str) -> list[str]:
    """Return the lower-case words of a text or of an identifier (`getCurrent_weather` has three)."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return _WORD.findall(spaced.lower().replace("_", " "))


def quoted(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return ["".join(groups) for groups in _QUOTED.findall(text)]


def names(text: str) -> list[str]:
    """Return what has capitals and does not just begin a sentence: «Boston, MA» is one."""
    return list(_names(text))


def _names(text: str) -> Iterable[str]:
    for found in _NAME.finditer(_SPELLED.sub(lambda date: " " * len(date[0]), text)):
        if text[found.end() : found.end() + 1] == ":" and _OPENS.search(
            text[max(0, found.start() - 3) : found.start()]
        ):
            continue  # a label
        name = found[0].rstrip(".,'’-")
        while name and name.split(" ")[0].lower().removesuffix("'s").removesuffix("’s") in NO_NAMES:
            name = name.partition(" ")[2]
        name = name.removesuffix("'s").removesuffix("’s")
        if len(name) > 1:
            yield name


def happenings(text: str) -> list[str]:
    """Return what somebody goes to, has or plans: «a science fair»."""
    found = [
        takewhile(lambda word: word.lower() not in NO_HAPPENING, entry.split()) for entry in _HAPPENING.findall(text)
    ]
    told = [name for name in map(" ".join, found) if name and name.lower() not in ("event", "calendar event")]
    return told or _TITLE.findall(text)


def said(text: str) -> list[str]:
    """Return what is to be said: «a mail saying hi»."""
    return _SAID.findall(text)


def tasks(text: str) -> list[str]:
    """Return what is to be done: «remind me to buy milk»."""
    return _TASK.findall(text)


def behind(text: str) -> list[str]:
    """Return what stands behind the colon of an order: «Run this: SELECT 1»."""
    order, _, rest = text.partition(":")
    return (
        [rest.strip(" \n`")] if len(order.split()) in range(1, 9) and "\n" not in order and rest[:1].isspace() else []
    )


def people(text: str) -> list[str]:
    """Return names: those that are introduced as one first, and last what is said to be a place."""
    introduced = [
        name for pair in _INTRODUCED.findall(text) for name in pair if name and name.lower() not in NO_NAMES
    ]
    unquoted = _QUOTED.sub(lambda quote: " " * len(quote[0]), text)
    found = [name for name in dict.fromkeys(names(unquoted) or names(text)) if not any(map(str.isdigit, name))]
    found = [name for name in found if not _opens_a_noun(text, name)] or found

    def unlikely(name: str) -> bool:
        at = text.find(name)
        return name.isupper() or _BEHIND_PLACE.search(text[max(0, at - 16) : at]) is not None

    return list(dict.fromkeys([*introduced, *sorted(found, key=unlikely)]))


def _opens_a_noun(text: str, name: str) -> bool:
    """Return whether a word has its capital from the beginning of a sentence: «Team lunch», but not «Ann lives»."""
    at = text.find(name)
    opens = " " not in name and _OPENS.search(text[max(0, at - 3) : at]) is not None
    return opens and _NOUN.match(text, at + len(name)) is not None


def phones(text: str) -> list[str]:
    """Return numbers to call: seven figures at least."""
    plain = _NUMERIC_DAY.sub(" ", _DATE.sub(" ", text))
    return [entry for entry in _PHONE.findall(plain) if sum(map(str.isdigit, entry)) >= 7]


def postcodes(text: str) -> list[str]:
    """Return five figures, or nine, of an address."""
    return _POSTCODE.findall(text)


def paths(text: str) -> list[str]:
    """Return names of files, and ways to them."""
    return [entry.rstrip(".") for entry in _PATH.findall(_URL.sub(" ", _EMAIL.sub(" ", text)))]


def labelled(text: str, label: Sequence[str]) -> list[str]:
    """Return what stands behind the words of a label and a colon, up to the next label, line or semicolon."""
    noun = r"[ _-]?".join(re.escape(word) for word in label)
    found = re.finditer(rf"(?i:\b{noun}(?:e?s)?\b)\W{{0,3}}(?::|=) *([^\n;]{{1,300}})", text)
    return [kept for entry in found if (kept := _NEXT_LABEL.split(entry[1])[0].strip(" ,.*"))]


def listed(text: str) -> list[str]:
    """Return the things of the longest list: the lines of one, or what commas and «and» join."""
    lines = [entry.strip() for entry in _ITEM.findall(text)]
    if len(lines) > 1:
        return lines
    joined = [
        found[0]
        for found in _LIST.finditer(text)
        if not _LABEL.search(text[max(0, found.start() - 40) : found.start()])
    ]
    return max(map(split, joined), key=len, default=[])


def split(text: str) -> list[str]:
    """Return the things that commas and «and» join. A verb in front of the first is left out."""
    things = [thing for entry in _COMMA.split(text) if (thing := entry.strip(" .!?\"'"))]
    if len(things) > 1:
        most = max(len(thing.split()) for thing in things[1:])
        first = things[0].split()
        verb = len(first) > 1 and first[0][0].isupper() and not any(thing[0].isupper() for thing in things[1:])
        things[0] = " ".join(first[int(verb) :][-most:])
    return things


def spots(text: str) -> list[str]:
    """Return what is said to be the place of something, without capitals: «in the kitchen»."""
    found = (words(entry) for entry in _SPOT.findall(text))
    return [
        " ".join(takewhile(lambda word: word not in NO_SPOTS, entry)) for entry in found if entry[0] not in NO_SPOTS
    ]


def numbers(text: str) -> list[tuple[int | float, str]]:
    """Return the numbers, each with how it is written, but for those of dates, times, phones and codes.

    The words for them count where there are no figures.
    """
    for other in (_DATE, _SPELLED, _NUMERIC_DAY, _TIME, _CALLED):
        text = other.sub(" ", text)
    found = [(parsed(entry), entry) for entry in _NUMBER.findall(text) if len(entry) <= MOST_FIGURES]
    return found or [(NUMBER_WORDS[word], word) for word in words(text) if word in NUMBER_WORDS]


def parsed(text: str) -> int | float:
    """Return the number that figures write."""
    text = text.replace(",", "")
    return float(text) if "." in text else int(text)


def prices(text: str) -> list[str]:
    """Return the numbers behind a sign of a currency, as they are written."""
    return [entry for entry in _PRICE.findall(text) if len(entry) <= MOST_FIGURES]


def figures(text: str) -> list[str]:
    """Return the numbers as they are written."""
    return _NUMBER.findall(text)


def emails(text: str) -> list[str]:
    """Return addresses of mail."""
    return _EMAIL.findall(text)


def urls(text: str) -> list[str]:
    """Return addresses of pages."""
    return [entry for entry in _URL.findall(text) if _is(urlsplit, entry)]


def dates(text: str) -> list[str]:
    """Return the days that there are, as ISO writes them."""
    return [entry for entry in _DATE.findall(text) if _is(date.fromisoformat, entry)]


def days(text: str) -> list[str]:
    """Return days as they are said: «tomorrow», «March 3rd»."""
    found = [*_DAY.finditer(text), *_SPELLED.finditer(text), *_NUMERIC_DAY.finditer(text)]
    return [entry[0] for entry in sorted(found, key=re.Match.start)]


def _calendar_days(text: str) -> list[str]:
    """Return the days with a year, as ISO writes them."""
    made = list(dates(text))
    for day, month, other_month, other_day, year in _SPELLED.findall(text):
        number = 1 + [name[:3] for name in _MONTHS].index((month or other_month)[:3].lower())
        entry = f"{year}-{number:02}-{int(day or other_day):02}"
        if year and _is(date.fromisoformat, entry):
            made.append(entry)
    return made


def times(text: str) -> list[str]:
    """Return times of the day: «09:30», «5 pm»."""
    return _TIME.findall(text)


def formulas(text: str) -> list[str]:
    """Return calculations."""
    return [entry.strip() for entry in _FORMULA.findall(text)]


def identifiers(text: str) -> list[str]:
    """Return words with figures in them, and numbers behind a #, which is left out."""
    plain = _TIME.sub(" ", _DATE.sub(" ", text))
    return [entry.lstrip("#") for entry in _IDENTIFIER.findall(plain)]


def currencies(text: str) -> list[str]:
    """Return codes of currencies, spelled out, as a sign or as a word: «€», «dollars»."""
    found = [entry for entry in codes(text) if len(entry) == 3]
    return found + [code for code, sign in _SIGNS.items() if re.search(sign, text, re.I)]


def codes(text: str) -> list[str]:
    """Return what is all capitals, as symbols of stocks, currencies and airports are."""
    if text.isupper():
        return []
    return [entry for entry in _CODE.findall(text) if entry not in NO_CODES]


def pieces(text: str) -> list[str]:
    """Return every word, with what is joined to it."""
    return [entry for entry in (word.strip(".,;:!?()[]{}\"'`“”«»") for word in text.split()) if entry]


def _is(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def moments(text: str) -> list[str]:
    """Return days with a time and a zone, as ISO writes them."""
    return [entry for entry in _MOMENT.findall(text) if _is(datetime.fromisoformat, entry)]


def _addresses(text: str) -> list[str]:
    return [entry for entry in _ADDRESS.findall(text) if _is(ipaddress.IPv4Address, entry)]


OF_FORMAT: Mapping[str, Callable[[str], list[str]]] = {
    "email": emails,
    "uri": urls,
    "url": urls,
    "date": _calendar_days,
    "date-time": moments,
    "uuid": _UUID.findall,
    "ipv4": _addresses,
}
"""What fits a `format` of JSON Schema."""
