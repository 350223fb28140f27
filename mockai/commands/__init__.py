"""The commands of the command line that are more than a page long."""

import click


class UsageError(click.ClickException):
    """A mistake of the user: one clear line, exit status 2."""

    exit_code = 2
