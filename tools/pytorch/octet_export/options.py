"""Checks the caller's options: preprocess, labels, task, shapes, keep_float."""
import difflib
import math
import numbers

from .errors import ExportError

_PREPROCESS = {"size", "resize", "channels", "mean", "std"}
PRESETS = {
    "imagenet-tf": {"resize": "crop", "channels": "rgb", "mean": [127.5] * 3, "std": [127.5] * 3},
    "imagenet-torch": {"resize": "crop", "channels": "rgb", "mean": [123.675, 116.28, 103.53],
                       "std": [58.395, 57.12, 57.375]},
    "zero-one": {"resize": "stretch", "channels": "rgb", "mean": [0, 0, 0], "std": [255, 255, 255]},
}
_DETECT = {"type", "boxes", "scores", "landmarks", "min_sizes", "steps", "variances",
           "score_threshold", "nms_iou"}


def input_shapes(input_shape):
    """Returns a list of shapes. Error: one is no tuple of positive integers, or its batch is not
    1."""
    several = len(input_shape) > 0 and all(isinstance(s, (tuple, list)) for s in input_shape)
    shapes = [tuple(s) for s in (input_shape if several else [input_shape])]
    for shape in shapes:
        if not shape or not all(isinstance(d, numbers.Integral) and d > 0 for d in shape):
            raise ExportError(f"input_shape {shape}: every extent must be a positive integer")
        if shape[0] != 1:
            raise ExportError(f"input_shape {shape}: the first extent is the batch, and is 1 in an "
                              "export")
    return shapes


def check_preprocess(preprocess, shapes):
    """Returns preprocess with plain lists of numbers, from an object or a preset's name. The size
    may be left out.

    Error: an unknown or missing key, or an impossible value.
    """
    if isinstance(preprocess, str):
        if preprocess not in PRESETS:
            raise ExportError(f"preprocess '{preprocess}' is none of {', '.join(PRESETS)}")
        preprocess = PRESETS[preprocess]
    if isinstance(preprocess, dict) and "size" not in preprocess and len(shapes[0]) == 4:
        preprocess = {**preprocess, "size": list(shapes[0][2:])}
    _check_keys("preprocess", preprocess, _PREPROCESS, _PREPROCESS)
    size = _numbers("preprocess size", preprocess["size"], 2, positive=True, whole=True)
    _choice("preprocess resize", preprocess["resize"], ("stretch", "crop", "letterbox"))
    _choice("preprocess channels", preprocess["channels"], ("rgb", "bgr", "gray"))
    channels = 1 if preprocess["channels"] == "gray" else 3
    mean = _numbers("preprocess mean", preprocess["mean"], channels)
    std = _numbers("preprocess std", preprocess["std"], channels, positive=True)
    _check_range(mean, std)
    if len(shapes) != 1 or shapes[0] != (1, channels, *size):
        raise ExportError(f"preprocess makes an input of the shape {(1, channels, *size)}, the "
                          f"model's input_shape is {shapes if len(shapes) > 1 else shapes[0]}")
    return {"size": size, "resize": preprocess["resize"], "channels": preprocess["channels"],
            "mean": mean, "std": std}


def _check_range(mean, std):
    """Error: numbers for pixels from 0 to 1. A mean of 0 or a deviation of 1 may be for any
    pixels."""
    within_one = [all(abs(v) <= 1 for v in values) for values in (mean, std)]
    of_units = [within and any(v != math.floor(v) for v in values)
                for within, values in zip(within_one, (mean, std))]
    if not any(of_units):
        return
    scaled = [[float(f"{v * 255:.6g}") for v in values] if within else values
              for within, values in zip(within_one, (mean, std))]
    which = ("are" if all(within_one) else
             "do not go together: the " + ("mean is" if of_units[0] else "deviation is"))
    raise ExportError(f"preprocess mean {mean} and std {std} {which} for pixels from 0 to 1, and "
                      f"octet's pixels are 0 to 255: did you mean {scaled[0]} and {scaled[1]}?")


def check_max_bad(max_bad):
    """Returns max_bad. Error: it is no percentage."""
    if (isinstance(max_bad, bool) or not isinstance(max_bad, numbers.Real)
        or not 0 <= max_bad <= 100):
        raise ExportError(f"max_bad {max_bad!r} is no number of percent, from 0 to 100")
    return max_bad


def check_labels(labels):
    """Returns labels as a list. Error: one is not a text, or there are none."""
    labels = [labels] if isinstance(labels, str) else list(labels)
    if len(labels) < 1 or not all(isinstance(label, str) for label in labels):
        raise ExportError("labels must be a list of texts, one a class")
    return labels


def check_task(task, labels, outputs, shapes):
    """Returns task with plain numbers; its outputs are activations. Error: an unknown key, or
    outputs that do not fit."""
    task = {"type": "classify"} if task == "classify" else task
    output_shapes = [output.shape for output in outputs]
    if not isinstance(task, dict) or task.get("type") not in ("classify", "detect"):
        raise ExportError("task must be an object with the type 'classify' or 'detect', not "
                          f"{task!r}")
    if task["type"] == "classify":
        _check_keys("task", task, {"type"}, {"type"})
        return _check_classify(labels, outputs[0])
    return _check_detect(task, output_shapes, shapes)


def _check_classify(labels, output):
    is_index = output.type != "f32"
    if sum(extent > 1 for extent in output.shape) > (0 if is_index else 1):
        raise ExportError(f"task classify: the model's output has the shape {tuple(output.shape)}, "
                          "answers at many places; export it without a task"
                          + (" and without labels" if labels is not None else ""))
    classes = math.prod(output.shape)
    if labels is not None and not is_index and len(labels) != classes:
        raise ExportError(f"there are {len(labels)} labels but the model's output has {classes} "
                          "classes")
    return {"type": "classify"}


def _check_detect(task, output_shapes, shapes):
    _check_keys("task", task, _DETECT, _DETECT - {"landmarks"})
    checked = {"type": "detect"}
    for key in ("boxes", "scores", "landmarks"):
        if task.get(key) is None:
            continue
        index = task[key]
        last = len(output_shapes) - 1
        if (isinstance(index, bool) or not isinstance(index, numbers.Integral)
            or not 0 <= index <= last):
            raise ExportError(f"task {key} {index!r}: the model has the outputs 0 to {last}")
        checked[key] = int(index)
    steps = _numbers("task steps", task["steps"], None, positive=True, whole=True)
    if not isinstance(task["min_sizes"], (list, tuple)) or len(task["min_sizes"]) != len(steps):
        raise ExportError(f"task min_sizes must be a list of lists, one a step ({len(steps)})")
    sizes = [_numbers("task min_sizes", s, None, positive=True) for s in task["min_sizes"]]
    checked.update(min_sizes=sizes, steps=steps)
    checked["variances"] = _numbers("task variances", task["variances"], 2, positive=True)
    for key in ("score_threshold", "nms_iou"):
        (checked[key],) = _numbers(f"task {key}", [task[key]], 1)
        if not 0 <= checked[key] <= 1:
            raise ExportError(f"task {key} {checked[key]} is outside 0 to 1")
    _check_priors(checked, output_shapes, shapes)
    return checked


def _check_priors(task, output_shapes, shapes):
    if len(shapes[0]) != 4:
        raise ExportError("task detect needs a model whose first input is an image, [1, C, H, W]")
    height, width = shapes[0][2:]
    priors = sum(math.ceil(height / step) * math.ceil(width / step) * len(sizes)
                 for step, sizes in zip(task["steps"], task["min_sizes"]))
    for key, last in (("boxes", 4), ("scores", 2), ("landmarks", None)):
        if key not in task:
            continue
        shape = list(output_shapes[task[key]])
        fits = len(shape) == 3 and shape[:2] == [1, priors]
        if not fits or (shape[2] != last if last else shape[2] % 2):
            raise ExportError(f"task {key}: output {task[key]} has the shape {shape}, but steps "
                              f"and min_sizes make {priors} priors, so that it should be [1, "
                              f"{priors}, {last or '2 K'}]")


def names_to_keep(asked, node_names, paths):
    """Returns the nodes with these names, in these modules or under these prefixes. Error: a name
    fits none."""
    asked = [asked] if isinstance(asked, str) else list(asked)
    kept = []
    for name in asked:
        found = [n for n in node_names
                 if any(p == name or p.startswith(name + ".") for p in (n, paths.get(n, n)))]
        if not found:
            known = sorted(set(node_names) | {p for p in paths.values() if p})
            near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
            hint = f"near names: {', '.join(near)}" if near else f"some are: {', '.join(known[:5])}"
            raise ExportError(f"keep_float '{name}' names no module or node; {hint}")
        kept.extend(n for n in found if n not in kept)
    return kept


def _check_keys(what, value, allowed, required):
    if not isinstance(value, dict):
        raise ExportError(f"{what} must be an object with the keys {', '.join(sorted(required))}")
    for key in value:
        if key not in allowed:
            near = difflib.get_close_matches(str(key), allowed, n=1)
            hint = (f"did you mean '{near[0]}'?" if near
                    else f"the keys are {', '.join(sorted(allowed))}")
            raise ExportError(f"{what} has an unknown key '{key}'; {hint}")
    missing = sorted(required - set(value))
    if missing:
        raise ExportError(f"{what} lacks {', '.join(missing)}")


def _choice(what, value, choices):
    if value not in choices:
        raise ExportError(f"{what} {value!r} is not one of {', '.join(choices)}")


def _numbers(what, values, length, positive=False, whole=False):
    kind = numbers.Integral if whole else numbers.Real
    count = length if length is not None else "one or more"
    if not isinstance(values, (list, tuple)) or not values or length not in (None, len(values)):
        raise ExportError(f"{what} must be a list of {count} numbers, not {values!r}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
            raise ExportError(f"{what}: {value!r} is not a "
                              f"{'whole number' if whole else 'finite number'}")
        if positive and value <= 0:
            raise ExportError(f"{what}: {value!r} must be greater than 0")
    return [int(v) if isinstance(v, numbers.Integral) else float(v) for v in values]
