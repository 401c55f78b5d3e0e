"""Average 512 pulses of an emulated device, print its times and keep the recording."""

from pathlib import Path

from trelscope.host.acquisition.capture import capture
from trelscope.host.files import recordings
from trelscope.host.link.urls import open_link
from trelscope.host.measure.quantities import PRIMARY
from trelscope.host.planning import CaptureRequest
from trelscope.host.units import format_with_error


def main() -> None:
    # paced=False lets the emulator run faster than real time.
    link = open_link("emulator:bmim3-1mm2", seed=1, paced=False)
    try:
        recording = capture(link, CaptureRequest(volts=5.0, rate=10e3, pulses=512).plan)
    finally:
        link.close()

    quantities = recording.measurements.quantities()
    for name in PRIMARY:
        quantity = quantities[name]
        print(name, format_with_error(quantity.value, quantity.se, "s"), *quantity.flags)
    print(f"{recording.accounting.pulses_averaged} pulses averaged")
    recordings.save(Path("capture.h5"), recording)


if __name__ == "__main__":
    main()
