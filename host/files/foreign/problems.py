"""Why a file of another instrument cannot be read, in words that follow the file's name."""


class Unreadable(Exception):
    """One line, without the name of the file: what is wrong, or what has to be said, and what to do."""
