"""The `trelscope` command from its first moment on: Ctrl-C ends it in one line while it is still being loaded, too."""

import sys


def main() -> int:
    """Run one command; see `cli.main`."""
    try:
        from trelscope.host.cli import main as run  # takes a second

        return run()
    except KeyboardInterrupt:
        print("trelscope: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
