"""`trelscope presets`: list the emulated devices and detectors, save and remove presets of one's own."""

import argparse
import json

from trelscope.host.commands import emulated
from trelscope.host.commands.common import JSON, Commands
from trelscope.host.files import user_presets
from trelscope.sim.presets import presets, userfile


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "presets", help="list, save and remove presets of the emulator", parents=[JSON]
    )
    p.set_defaults(command=_list)
    actions = p.add_subparsers(title="actions", metavar="ACTION")
    save = actions.add_parser("save", help="keep a changed preset under a name of your own")
    save.set_defaults(command=_save)
    save.add_argument("name", metavar="NAME", help="name of the new preset")
    save.add_argument("source", metavar="SOURCE", help=f"e.g. {emulated.EXAMPLE!r}")
    remove = actions.add_parser("remove", help="forget a preset of your own")
    remove.set_defaults(command=_remove)
    remove.add_argument("name", metavar="NAME")


def _list(options: argparse.Namespace) -> int:
    with emulated.refusing():
        origins = {name: "built-in" for name in presets.builtin_names()}
        origins |= {name: "user" for name in presets.user_names()}
        rows = [
            {"name": name, "description": presets.describe(name), "origin": origin}
            for name, origin in origins.items()
        ]
    detectors = presets.detectors()
    if options.json:
        named = [{"name": name, "description": text} for name, text in detectors.items()]
        print(json.dumps({"presets": rows, "detectors": named, "file": str(userfile.path())}))
        return 0
    width = max(len(name) for name in origins)
    print("presets (emulator:NAME)")
    for row in rows:
        own = " (yours)" if row["origin"] == "user" else ""
        print(f"  {row['name']:<{width}}  {row['description']}{own}")
    print("detectors (…?detector=NAME)")
    for name, text in detectors.items():
        print(f"  {name:<{width}}  {text}")
    return 0


def _save(options: argparse.Namespace) -> int:
    source, overrides = emulated.split(options.source)
    with emulated.refusing():
        user_presets.save(options.name, source, overrides)
        print(f"emulator:{options.name}: {presets.describe(options.name)}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    with emulated.refusing():
        user_presets.remove(options.name)
    print(f"removed {options.name}")
    return 0
