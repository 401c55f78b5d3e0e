"""Read a recording and measure it with other levels. The traces stay as they are."""

import sys
from dataclasses import replace
from pathlib import Path

from trelscope.host.files import recordings
from trelscope.host.units import format_with_error


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "capture.h5")
    recording = recordings.load(path)
    again = recording.measured(replace(recording.options, low=0.2, high=0.8))

    for levels, measurements in (
        ("10 to 90 %", recording.measurements),
        ("20 to 80 %", again.measurements),
    ):
        rise = measurements.rise
        print(f"rise, {levels}: {format_with_error(rise.value, rise.se, 's')}")

    light = recording.light
    print(f"{len(light.t)} bins from {light.t[0]:.3g} s to {light.t[-1]:.3g} s")


if __name__ == "__main__":
    main()
