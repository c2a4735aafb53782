"""Timing as bench/support/timing.ts does it: the fastest of the rounds of a few seconds."""

import json
import time

LONG = 3


def print_fastest(compute, prepare=lambda: ()):
    """Prints {"seconds", "score"} of compute(*prepare()) as JSON; preparing is not counted."""
    seconds = float("inf")
    first = time.perf_counter()
    while True:
        arguments = prepare()
        start = time.perf_counter()
        score = compute(*arguments)
        seconds = min(seconds, time.perf_counter() - start)
        if time.perf_counter() - first > LONG:
            break
    print(json.dumps({"seconds": seconds, "score": score}))
