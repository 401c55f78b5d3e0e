"""Errors that a user can cause and correct: shown as one line, never as a traceback."""


class UserError(Exception):
    """The message says what went wrong and what to do, in one line."""

    exit_code = 1
    """What the command line returns; 2 where the command itself was wrong."""
