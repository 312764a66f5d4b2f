"""The command line: python3 tools/pytorch/octet_export.py."""
import argparse
import importlib.util
import json
import os
import signal
import stat
import sys

import torch

from . import output_file
from .errors import ExportError
from .export import export
from .observers import OBSERVERS
from .options import PRESETS

_EPILOG = """\
examples:
  a float model and its state dict, calibrated on a folder of images:
    octet_export.py --model network.py:Network --state-dict network.pth --input-shape 1,3,224,224 \\
        --calibrate images/ --labels labels.txt --task classify --preprocess imagenet-torch \\
        -o network.safetensors

  another preprocessing, on pixels from 0 to 255; the size is the input's where it is left out:
        --preprocess '{"resize": "stretch", "channels": "bgr", "mean": [104, 117, 123],
                       "std": [1, 1, 1]}'

  a model that torch.ao.quantization prepared or converted: a function in the file returns it,
  calibrated or loaded; its scales are its own, so there is no --calibrate:
    octet_export.py --model quantized.py:load --input-shape 1,3,224,224 -o quantized.safetensors

--preprocess and --task take JSON, the name of a file with JSON, or a name as above (imagenet-torch,
imagenet-tf, zero-one; classify). docs/float_export.md says what is in them.
exit status: 0 written; 1 the model cannot be exported; 2 the command line is wrong.
"""


class _UsageError(Exception):
    pass


def main(arguments=None):
    """Runs the command. Returns the exit status: 0, or 1 or 2 after a message on stderr."""
    options = _parser().parse_args(arguments)
    _end_orderly()
    try:
        output_file.check(options.output, _files_read(options), options.force)
        torch.set_num_threads(max(1, options.threads))
        model = _load_model(options.model)
        if options.state_dict:
            _load_state_dict(model, options.state_dict)
        graph = export(
            model.eval(), _shapes(options.input_shape), options.output,
            calibration=options.calibrate,
            observer=options.observer, keep_float=sum(options.keep_float, []),
            preprocess=_json("--preprocess", options.preprocess, PRESETS),
            labels=_lines(options.labels), task=_json("--task", options.task, ("classify",)),
            exif_rotate=not options.no_exif_rotate, max_bad=options.max_bad, force=options.force)
    except _UsageError as error:
        print(f"octet_export: {error}", file=sys.stderr)
        return 2
    except (ExportError, OSError) as error:
        print(f"octet_export: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: {len(graph.nodes)} nodes, {len(graph.parameters)} parameters, "
          f"{sum(a.scale is not None for a in graph.activations.values())} of "
          f"{len(graph.activations)} activations with a scale")
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="octet_export.py", epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Writes octet's float export from a PyTorch "
                                     "model: its operators, its float (or already int8) weights, "
                                     "and the scale of every activation.")
    add = parser.add_argument
    add("--model", required=True, metavar="FILE.py:NAME", help="a Python file and what in it gives "
        "the model: a module object, or a class or function without arguments; 'make(3, "
        "phase=\"test\")' may follow the colon to pass some")
    add("--state-dict", metavar="W.pth",
        help="weights to load into the model ('module.' in front is taken off)")
    add("--input-shape", required=True, action="append", metavar="1,3,H,W",
        help="the input's shape, batch 1; once an input for models with several")
    add("--calibrate", metavar="DIR",
        help="a folder of images to observe activations on (float models)")
    add("--preprocess", metavar="PRESET|JSON",
        help=f"how an image becomes the input: {', '.join(PRESETS)}, or JSON")
    add("--labels", metavar="FILE",
        help="a text file with one class name a line; blank lines do not count. Without --task, "
             "labels make a classifier")
    add("--task", metavar="classify|JSON",
        help="classify, or JSON with a detector's outputs and priors")
    add("--observer", choices=sorted(OBSERVERS), default="histogram",
        help="how the range of an activation is chosen (default: histogram, the least L2 error)")
    add("--keep-float", action="append", nargs="+", default=[], metavar="NAME",
        help="modules, nodes or prefixes that must not run in int8")
    add("--no-exif-rotate", action="store_true", help="take an image's pixels as the file has "
        "them, instead of turning it as EXIF's orientation says")
    add("--max-bad", type=_percent, default=1, metavar="PERCENT",
        help="the share of --calibrate's images that may be damaged and are left out (default: 1)")
    add("--force", action="store_true", help="write over an existing file that is no .safetensors "
        "file, too; a file that is read is never written over")
    add("--threads", type=int, default=1, help="threads for PyTorch (default: 1)")
    add("-o", "--output", required=True, metavar="OUT.safetensors", help="the file to write")
    return parser


def _percent(text):
    value = float(text)
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value


def _end_orderly():
    """Makes SIGTERM and SIGHUP end the program as SIGINT does, so that an unfinished file is
    removed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda which, _: sys.exit(128 + which))


def _files_read(options):
    """Returns the files that the command line names as input."""
    named = (options.model.partition(":")[0], options.state_dict, options.labels,
             options.preprocess, options.task)
    return [name for name in named if name and os.path.isfile(name)]


def _load_model(text):
    path, colon, expression = text.partition(":")
    if not colon or not expression:
        raise _UsageError(f"--model {text}: write FILE.py:NAME")
    if not os.path.isfile(path):
        raise _UsageError(f"--model {text}: there is no file '{path}'")
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    specification = importlib.util.spec_from_file_location(
        os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
        # The file is the user's own program, so it runs anyway.
        found = eval(expression, vars(module))
        if callable(found) and not isinstance(found, torch.nn.Module):
            found = found()
    except Exception as error:
        raise _UsageError(f"--model {text}: {type(error).__name__}: {error}") from error
    if not isinstance(found, torch.nn.Module):
        raise _UsageError(f"--model {text}: gives a {type(found).__name__}, not a torch.nn.Module")
    return found


def _load_state_dict(model, path):
    if not os.path.isfile(path):
        raise _UsageError(f"--state-dict {path}: there is no such file")
    try:
        state = torch.load(path, map_location="cpu")
    except Exception as error:
        raise _UsageError(f"--state-dict {path}: {error}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict):
        raise _UsageError(f"--state-dict {path}: holds a {type(state).__name__}, not a state dict")
    state = {name[len("module."):] if name.startswith("module.") else name: v
             for name, v in state.items()}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        problems = " ".join(str(error).split())
        problems = problems if len(problems) < 500 else problems[:500] + " ..."
        raise _UsageError(f"--state-dict {path} does not fit the model: {problems}") from error


def _shapes(texts):
    try:
        shapes = [tuple(int(d) for d in text.split(",")) for text in texts]
    except ValueError:
        raise _UsageError(f"--input-shape {' '.join(texts)}: write numbers with commas, as "
                          "1,3,224,224")
    return shapes if len(shapes) > 1 else shapes[0]


def _json(option, text, names):
    if text is None or text in names:
        return text
    try:
        if os.path.isfile(text):
            with open(text, encoding="utf-8") as file:
                text = file.read()
        return json.loads(text)
    except ValueError as error:
        raise _UsageError(f"{option}: not JSON, nor one of {', '.join(names)}: {error}") from error


def _lines(path):
    if path is None:
        return None
    # O_NONBLOCK, because opening a pipe that nobody writes into would wait for ever.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise _UsageError(f"{path}: not a file")
        os.set_blocking(handle, True)
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _UsageError(f"{path}: not UTF-8: {error}") from error
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    if not lines:
        raise _UsageError(f"{path}: no line of it names a class")
    return lines
