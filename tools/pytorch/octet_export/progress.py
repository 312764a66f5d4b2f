"""Shows how far the export is: a line on standard error if that is a terminal and it takes over a
second."""
import sys
import time

_SHOW_AFTER = 1.0
_REDRAW_EVERY = 0.1
_WIDTH = 30


class Progress:
    """Stages, one after another, with steps whose number may be unknown. It is a context; its end
    removes the line."""

    def __init__(self, stream=None, clock=time.monotonic):
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._on_terminal = self._stream is not None and self._stream.isatty()
        self._begin = clock()
        self._drawn = self._begin - _REDRAW_EVERY
        self._visible = False
        self.stage("")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._visible:
            self._write("\r\033[K")

    def stage(self, what, total=None):
        """Begins a new stage of `total` steps."""
        self._what, self._total, self._done = what, total, 0
        self._stage_begin = self._clock()
        self._draw()

    def advance(self):
        """Marks one step as done."""
        self._done += 1
        self._draw()

    def _draw(self):
        now = self._clock()
        if (not self._on_terminal or now - self._begin < _SHOW_AFTER
            or now - self._drawn < _REDRAW_EVERY):
            return
        self._drawn, self._visible = now, True
        self._write(f"\r{self._what} {self._how_far(now)}\033[K")

    def _how_far(self, now):
        if not self._total:
            return str(self._done) if self._done else "..."
        share = min(1.0, self._done / self._total)
        filled = int(share * _WIDTH)
        text = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {self._done}/{self._total}"
        if not share:
            return text
        left = int((now - self._stage_begin) * (1 - share) / share + 0.5)
        return f"{text}, {left // 60}:{left % 60:02d} left"

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()
