"""Words: which of them in the name of a property call for which kind of value, and what some say."""

# Which words of a property's name call for which kind of value.
PLACES = frozenset(
    (
        "location city place country destination origin region town address area state where departure arrival "
        "airport room"
    ).split()
)
PERSONS = frozenset(
    (
        "name person people customer user author owner recipient contact artist participant attendee guest invitee "
        "member speaker student friend employee player winner candidate director actor character passenger patient "
        "sender assignee client doctor nurse teacher"
    ).split()
)
ORGANISATIONS = frozenset("title company firm team employer organization organisation vendor brand".split())
TASKS = frozenset("task todo reminder title".split())
HEADINGS = frozenset("title heading headline caption".split())
EVENTS = frozenset("event meeting appointment occasion calendar".split())
ENTITLED = frozenset("name title summary subject".split()) | EVENTS
"""Properties that name an event, where one is described."""
TEXTS = frozenset(
    "query question text message content prompt input search topic subject keyword body note sql statement".split()
)
DATES = frozenset(["date", "day", "when", "time", "deadline", "start", "end"])
FORMULAS = frozenset(["expression", "equation", "formula", "calculation", "code"])
IDENTIFIERS = frozenset("id identifier number code reference sku ticket order invoice booking tracking".split())
CURRENCIES = frozenset(["currency", "currencies"])
SYMBOLS = frozenset("symbol ticker stock airport iata icao code".split())
NAMED = frozenset(["symbol", "ticker", "stock"])
"""What has a name where it has no code: «Apple»."""
ADDRESSEES = frozenset("to cc bcc from sender recipient address contact attendee invitee guest user".split())
MONEY = frozenset("amount balance budget cost fee income price revenue salary subtotal total".split())
PHONES = frozenset("phone telephone mobile fax".split())
POSTCODES = frozenset("zip zipcode postcode postal".split())
PATHS = frozenset("path file filename filepath directory folder".split())
POLES = {
    "positive": frozenset(
        "amazing awesome best brilliant delicious delighted enjoy enjoyed excellent fantastic glad good great happy "
        "helpful impressed like liked love loved lovely nice perfect pleased superb thank thanks wonderful".split()
    ),
    "negative": frozenset(
        "angry annoyed annoying awful bad boring broke broken disappointed disappointing dislike fail failed hate "
        "hated horrible never poor rude sad slow terrible ugly unhappy useless worse worst wrong".split()
    ),
}
"""What is said by who is pleased, and by who is not."""
# Which of two values is meant: what stands behind «from», or behind «to».
SOURCES = frozenset("from source origin departure start base sender".split())
TARGETS = frozenset("to into target destination arrival end quote recipient".split())
# What says yes, and what says no, to a property that has no word of its own for it.
YES = frozenset("on enable enabled activate true yes".split())
NO = frozenset("off disable disabled deactivate false no".split())
SWITCHES = frozenset("on enabled enable active activated state status value flag power".split())
