"""Observes the activations of a float model, to find the scale and zero point of each."""
import numpy as np

from .errors import ExportError

_BINS = 2048
_SMALLEST_SCALE = 1e-12


def affine_parameters(low, high):
    """Returns (scale, zero point) for q in 0 to 255 and values in [low, high]. 0 is always exactly
    representable.

    A range that is only 0 gets the scale 1.
    """
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if low == high:
        return 1.0, 0
    scale = float(np.float32(max((high - low) / 255.0, _SMALLEST_SCALE)))
    return scale, int(np.clip(np.round(-low / scale), 0, 255))


def quantized_error(values, scale, zero_point):
    """Returns the sum of the squared differences between the values and their quantized values."""
    q = np.clip(np.round(values / scale) + zero_point, 0, 255)
    return float(np.sum((scale * (q - zero_point) - values) ** 2))


class MinMaxObserver:
    """Keeps the smallest and the largest value that it ever saw."""

    def __init__(self):
        self.low, self.high = np.inf, -np.inf

    def observe(self, values):
        """Observes a float array."""
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def end_batch(self):
        """Ends a batch: all its values were observed."""

    def parameters(self):
        """Returns (scale, zero point)."""
        return affine_parameters(self.low, self.high)


class MovingAverageObserver(MinMaxObserver):
    """Keeps averages of the smallest and the largest value of each batch. Each batch moves them by
    a hundredth."""

    def __init__(self):
        super().__init__()
        self._average = None

    def end_batch(self):
        """Ends a batch: moves the averages towards its smallest and largest value."""
        batch = np.array([self.low, self.high])
        self._average = (batch if self._average is None
                         else self._average + 0.01 * (batch - self._average))
        self.low, self.high = np.inf, -np.inf

    def parameters(self):
        """Returns (scale, zero point)."""
        return affine_parameters(*self._average)


class HistogramObserver:
    """Clips where the L2 error of the quantized values is smallest.

    It keeps a histogram of 2048 bins. When a value falls outside, the range doubles and bins are
    merged in pairs, so that no count is spread or lost. Each bin keeps the sum and the sum of
    squares of its values. So values that pile up at one point (a clamp at 6, or 256 pixel levels)
    count at that point, and not at the bin's centre. Zeros are exact in every quantization and are
    not counted.
    """

    def __init__(self):
        self.low, self.high = np.inf, -np.inf
        self._start = self._width = None
        self._waiting = []
        self._moments = np.zeros((3, _BINS))

    def observe(self, values):
        """Observes a float array."""
        values = values.reshape(-1)
        values = values[values != 0].astype(np.float64)
        if values.size == 0:
            self.low, self.high = min(self.low, 0.0), max(self.high, 0.0)
            return
        low, high = float(values.min()), float(values.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self._width is None and self.low == self.high:
            self._waiting.append(values)
            return
        if self._width is None:
            self._start, self._width = self.low, (self.high - self.low) / _BINS
        waiting, self._waiting = self._waiting, []
        for part in waiting + [values]:
            self._count(part)

    def end_batch(self):
        """Ends a batch: all its values were observed."""

    def _count(self, values):
        low, high = float(values.min()), float(values.max())
        while low < self._start:
            self._double(downwards=True)
        while high > self._start + self._width * _BINS:
            self._double(downwards=False)
        bins = np.minimum(((values - self._start) / self._width).astype(np.int64), _BINS - 1)
        for i, weights in enumerate((None, values, values * values)):
            self._moments[i] += np.bincount(bins, weights, minlength=_BINS)

    def _double(self, downwards):
        merged = self._moments.reshape(3, _BINS // 2, 2).sum(axis=2)
        self._moments = np.zeros((3, _BINS))
        half = _BINS // 2
        if downwards:
            self._moments[:, half:] = merged
            self._start -= self._width * _BINS
        else:
            self._moments[:, :half] = merged
        self._width *= 2

    def parameters(self):
        """Returns (scale, zero point)."""
        if self._width is None:
            return affine_parameters(self.low, self.high)
        used = self._moments[0] > 0
        count, total, squares = self._moments[:, used]
        centre = total / count
        spread = np.maximum(squares / count - centre * centre, 0.0)
        # The difference of squares loses digits. Below this limit, all values of a bin count as the
        # same value.
        spread[spread < 1e-12 * centre * centre] = 0.0
        return _search(min(self.low, 0.0), max(self.high, 0.0), count, centre, spread)


def _search(low, high, count, centre, spread):
    """Returns (scale, zero point) for the range [low * a, high * b] with the least error, with a
    and b in (0, 1].

    It first tries to shrink both sides by the same factors, then improves one side at a time, by
    less each round.
    """
    def best_of(pairs):
        errors = [_error(low * a, high * b, count, centre, spread) for a, b in pairs]
        return pairs[int(np.argmin(errors))]

    best = best_of([(1.0, 1.0)] + [(f, f) for f in np.geomspace(1.0, 0.02, 48)[1:]])
    for reach in (0.5, 0.2, 0.06, 0.02):
        factors = np.clip(np.linspace(1 - reach, 1 + reach, 21), 0.005, None)
        if high > 0:
            best = best_of([best] + [(best[0], min(1.0, best[1] * f)) for f in factors])
        if low < 0:
            best = best_of([best] + [(min(1.0, best[0] * f), best[1]) for f in factors])
    best = best_of([(1.0, 1.0), best])
    return affine_parameters(low * best[0], high * best[1])


def _error(low, high, count, centre, spread):
    scale, zero_point = affine_parameters(low, high)
    q = np.round(centre / scale) + zero_point
    clipped = (q < 0) | (q > 255)
    off = scale * (np.clip(q, 0, 255) - zero_point) - centre
    rounding = scale * scale / 12.0
    inside = np.where(spread < rounding, off * off + spread, rounding)
    return float(np.sum(count * np.where(clipped, off * off + spread, inside)))


OBSERVERS = {"histogram": HistogramObserver, "min-max": MinMaxObserver,
             "moving-average": MovingAverageObserver}


# Operators that only move or join values, or change them by constants or bounds: the largest values
# stay the largest.
_HANDING_ON = {"identity", "reshape", "transpose", "slice", "pad", "concat", "resize", "max_pool2d",
               "clip", "neg", "top_k"}
_BY_CONSTANTS = {"add", "sub", "mul", "div"}


def answers(graph):
    """Returns the names of outputs, and of activations that become one through nodes that only hand
    them on.

    An output's rare large values are answers, such as the box of a large face, so no observer may
    clip them.
    """
    names = set(graph.outputs)
    for node in reversed(graph.nodes):
        by_constants = node.op in _BY_CONSTANTS and any(i in graph.parameters for i in node.inputs)
        # A top_k's second result says where the values of its first were.
        if names.intersection(node.outputs[:1]) and (node.op in _HANDING_ON or by_constants):
            names.update(i for i in node.inputs if i in graph.activations)
    return names


class Calibration:
    """The observers of all activations of a graph. They are of `kind`, but outputs (see answers)
    get the whole range."""

    def __init__(self, kind, graph):
        if kind not in OBSERVERS:
            raise ExportError(f"observer '{kind}' is not one of {', '.join(OBSERVERS)}")
        self._kind = OBSERVERS[kind]
        self._answers = answers(graph)
        self._observers = {}

    def observe(self, name, value):
        """Observes an activation, which is a torch tensor. Error: it has NaN or infinity."""
        if not value.is_floating_point():
            return
        values = value.detach().numpy()
        if not np.isfinite(values).all():
            raise ExportError(f"tensor '{name}' has NaN or infinite values during calibration; "
                              "look at the weights and at the preprocessing of the images")
        if name not in self._observers:
            self._observers[name] = MinMaxObserver() if name in self._answers else self._kind()
        self._observers[name].observe(values)

    def end_batch(self):
        """Ends a batch: all its activations were observed."""
        for observer in self._observers.values():
            observer.end_batch()

    def apply(self, graph, advance=lambda: None):
        """Gives every activation of the graph its scale and zero point. Calls `advance` after
        each."""
        for name, observer in self._observers.items():
            graph.set_scale(name, *observer.parameters())
            advance()
