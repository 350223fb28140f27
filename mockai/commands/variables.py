"""Commands whose flags can be set in the environment, each by the variable that is named after it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from mockai.commands import UsageError
from mockai.settings import variables


class Configured(click.Command):
    """A command that reads `PREFIX_FLAG` for every `--flag`, and refuses variables that no flag has."""

    def __init__(self, *args: Any, prefix: str, **more: Any) -> None:
        """Name the variables of the options."""
        super().__init__(*args, **more)
        self.variables: dict[str, tuple[str, ...]] = {}
        """The variables, each with the ways to write its flag."""
        for option in self.params:
            if isinstance(option, click.Option):
                flag = max(option.opts, key=len)
                option.envvar = f"{prefix}_{flag.lstrip('-').replace('-', '_').upper()}"
                self.variables[option.envvar] = tuple(option.opts)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, unless the environment holds what nothing reads."""
        root = ctx.find_root().command
        commands = root.commands.values() if isinstance(root, click.Group) else (self,)
        known = {
            name: flags
            for command in commands
            if isinstance(command, Configured)
            for name, flags in command.variables.items()
        }
        for name in variables():
            if name not in known:
                raise UsageError(f"{name} is set, but no flag has that variable; {_hint(name, known)}")
        return super().invoke(ctx)


def _hint(name: str, known: dict[str, tuple[str, ...]]) -> str:
    rest = name.partition("_")[2]
    short = [variable for variable, flags in known.items() if f"-{rest.lower()}" in flags]
    close = get_close_matches(rest, [variable.partition("_")[2] for variable in known], 1, 0.6)
    near = [*short, *(f"MOCKAI_{word}" for word in close)]
    return f"did you mean {near[0]}?" if near else "`mockai serve --help` lists the flags"
