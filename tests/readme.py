"""The tables of the README, made from the code: `python -m tests.readme` writes them."""

from pathlib import Path

import click

from mockai.api import OPERATIONS
from mockai.cli import serve
from mockai.commands.record import record

README = Path(__file__).parents[1] / "README.md"


def flags(command: click.Command) -> str:
    """Return the options of a command as a table."""
    lines = ["| flag | default | what it does |", "| --- | --- | --- |"]
    for option in command.params:
        assert isinstance(option, click.Option)
        names = "`, `".join(option.opts) + (f" {_value(option)}" if not option.is_flag else "")
        default = (
            ""
            if option.is_flag or option.default in (None, ()) or option.multiple or option.required
            else f"`{option.default}`"
        )
        lines.append(f"| `{names}` | {default if 'Sentinel' not in default else ''} | {option.help or ''} |")
    return "\n".join(lines)


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "/".join(option.type.choices)
    return option.metavar or option.type.name.upper()


def routes() -> str:
    """Return the operations as a table."""
    lines = [
        "| method | path | operation | on the real API | since | until |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {entry.method} | `/v1{entry.path}` | {entry.name} | {entry.liveness} | {entry.since} | {entry.until} |"
        for entry in OPERATIONS
    ]
    return "\n".join(lines)


def filled(text: str) -> str:
    """Return the README with its tables up to date."""
    for name, table in (("flags", flags(serve)), ("record-flags", flags(record)), ("routes", routes())):
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        head, _, rest = text.partition(opening)
        _, _, tail = rest.partition(closing)
        text = f"{head}{opening}\n{table}\n{closing}{tail}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
