"""Response time against drive voltage. Any executor of concurrent.futures says where and how many at a time."""

from concurrent.futures import ThreadPoolExecutor

from trelscope.host.acquisition.sweep import Axis, Sweep, points
from trelscope.host.planning import CaptureRequest
from trelscope.host.units import format_with_error


def main() -> None:
    sweep = Sweep(
        Axis.VOLTS,
        values=(4.0, 5.0, 6.0),
        source="emulator:bmim3-1mm2",
        asked=CaptureRequest(pulses=256),
        seed=1,
    )
    sweep.check()  # whatever is out of range is refused before anything is driven

    with ThreadPoolExecutor() as executor:
        finished = list(points(sweep, executor))  # in the order in which they finish

    for point in sorted(finished, key=lambda point: point.index):
        if point.recording is None:
            print(f"{point.value} V: {point.error}")
        else:
            response = point.recording.measurements.response
            print(f"{point.value} V: {format_with_error(response.value, response.se, 's')}")


if __name__ == "__main__":
    main()
