"""Plots a value of a sensor, live.

    pip install matplotlib
    python sensor.py                     # in another terminal; says its id
    python plot.py 7H8G2K load

Closing the window ends it.
"""

import sys
import time
from typing import List

import matplotlib.pyplot as plt

from easyhttp_rs import CallFailed, EasyHTTP


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("say which sensor, and which of its values: python plot.py 7H8G2K load")
    sensor, name = sys.argv[1:]
    seconds: List[float] = []
    values: List[float] = []

    figure, axes = plt.subplots()
    axes.set_xlabel("seconds")
    axes.set_ylabel(name)
    (line,) = axes.plot(seconds, values)

    with EasyHTTP(port=None, config_file="plot.json") as easy:
        started = time.monotonic()
        while plt.fignum_exists(figure.number):
            try:
                values.append(easy.fetch_data(sensor)[name])
                seconds.append(time.monotonic() - started)
                axes.set_title(f"{name} of {sensor}: {values[-1]}")
            except CallFailed as error:
                axes.set_title(str(error))
            line.set_data(seconds, values)
            axes.relim()
            axes.autoscale_view()
            # Draws, and leaves the window a second for its own work.
            plt.pause(1)


if __name__ == "__main__":
    main()
