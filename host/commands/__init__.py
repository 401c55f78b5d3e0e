"""The subcommands of `trelscope`, a module each.

A module's `add(commands)` adds its parser and sets `command`, the function that runs it and returns the exit code.
"""
