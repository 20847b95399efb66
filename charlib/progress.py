"""Progress of long work on standard error: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

PLAIN_INTERVAL = 10.0
"""Time between plain lines [s]."""


class Progress:
    """Counts samples.

    Args:
        total: expected number of samples; None: nobody knows, and no end is shown.
        shown: False is silent.
    """

    def __init__(self, total: int | None, shown: bool) -> None:
        self._terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=total, unit=" samples", desc="simulating", disable=not (shown and self._terminal), file=sys.stderr
        )
        self._shown = shown
        self._plain = shown and not self._terminal
        self._total, self._done, self._unknown, self._doing = total, 0, 0, ""
        self._start = self._last = time.monotonic()

    def announce(self, simulations: int, total: int, seconds: float | None, workers: int) -> None:
        """Say how much is to be done: simulations of a total of samples, and the expected time [s] if it is known."""
        if not self._shown:
            return
        text = f"{simulations} simulations to run, {total - simulations} found in the store"
        if simulations:
            expected = "time not known yet" if seconds is None else f"about {max(seconds, 1):.0f} s"
            text += f"; {expected} on {workers} simulator{'s' if workers > 1 else ''}"
        tqdm.write(text, file=sys.stderr)

    def tell(self, doing: str) -> None:
        """Say with what follows what is done now."""
        self._doing = doing
        self._bar.set_description(doing, refresh=False)

    def advance(self, samples: int, unknown: int) -> None:
        """Add samples; ``unknown`` is the number without an answer so far."""
        self._done += samples
        self._unknown = unknown
        self._bar.set_postfix(failed=unknown, refresh=False)
        self._bar.update(samples)
        now = time.monotonic()
        if self._plain and now - self._last >= PLAIN_INTERVAL:
            self._last = now
            self._line(now)

    def close(self) -> None:
        """Finish the bar, or say the last line."""
        self._bar.close()
        if self._plain:
            self._line(time.monotonic())

    def _line(self, now: float) -> None:
        passed = now - self._start
        if self._total is None:
            done = f"{self._doing or 'simulating'}: {self._done} samples, {self._unknown} without an answer"
            print(f"{done}, {passed:.0f} s", file=sys.stderr, flush=True)
            return
        done = f"simulating: {self._done}/{self._total} samples, {self._unknown} failed, {passed:.0f} s"
        left = f", {passed / self._done * max(self._total - self._done, 0):.0f} s left" if self._done else ""
        print(f"{done}{left}", file=sys.stderr, flush=True)
