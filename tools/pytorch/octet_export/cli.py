"""The command line: python3 tools/pytorch/octet_export.py."""
import argparse
import importlib.util
import json
import os
import sys

import torch

from .errors import ExportError
from .export import export
from .observers import OBSERVERS

_EPILOG = """\
examples:
  a float model and its state dict, calibrated on a folder of images:
    octet_export.py --model network.py:Network --state-dict network.pth --input-shape 1,3,224,224 \\
        --calibrate images/ --labels labels.txt --task '{"type": "classify"}' \\
        --preprocess '{"size": [224, 224], "resize": "crop", "channels": "rgb",
                       "mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}' -o network.safetensors

  a model that torch.ao.quantization prepared or converted: a function in the file returns it, calibrated or
  loaded; its scales are its own, so there is no --calibrate:
    octet_export.py --model quantized.py:load --input-shape 1,3,224,224 -o quantized.safetensors

--preprocess and --task take JSON, or the name of a file with JSON. docs/float_export.md says what is in them.
exit status: 0 written; 1 the model cannot be exported; 2 the command line is wrong.
"""


class _UsageError(Exception):
    pass


def main(arguments=None):
    """-> the exit status: 0, or 1 or 2 after a message on stderr."""
    options = _parser().parse_args(arguments)
    try:
        torch.set_num_threads(max(1, options.threads))
        model = _load_model(options.model)
        if options.state_dict:
            _load_state_dict(model, options.state_dict)
        graph = export(
            model.eval(), _shapes(options.input_shape), options.output, calibration=options.calibrate,
            observer=options.observer, keep_float=sum(options.keep_float, []),
            preprocess=_json("--preprocess", options.preprocess),
            labels=_lines(options.labels), task=_json("--task", options.task))
    except _UsageError as error:
        print(f"octet_export: {error}", file=sys.stderr)
        return 2
    except (ExportError, OSError) as error:
        print(f"octet_export: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: {len(graph.nodes)} nodes, {len(graph.parameters)} parameters, "
          f"{sum(a.scale is not None for a in graph.activations.values())} of {len(graph.activations)} "
          "activations with a scale")
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="octet_export.py", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Writes octet's float export from a PyTorch model: its operators, its float (or already "
                    "int8) weights, and the scale of every activation.")
    add = parser.add_argument
    add("--model", required=True, metavar="FILE.py:NAME",
        help="a Python file and what in it gives the model: a module object, or a class or function without "
             "arguments; 'make(3, phase=\"test\")' may follow the colon to pass some")
    add("--state-dict", metavar="W.pth", help="weights to load into the model ('module.' in front is taken "
                                              "off)")
    add("--input-shape", required=True, action="append", metavar="1,3,H,W",
        help="the input's shape, batch 1; once an input for models with several")
    add("--calibrate", metavar="DIR", help="a folder of images to observe activations on (float models)")
    add("--preprocess", metavar="JSON", help="how an image becomes the input")
    add("--labels", metavar="FILE", help="a text file with one class name a line")
    add("--task", metavar="JSON", help='{"type": "classify"}, or a detector\'s outputs and priors')
    add("--observer", choices=sorted(OBSERVERS), default="histogram",
        help="how the range of an activation is chosen (default: histogram, the least L2 error)")
    add("--keep-float", action="append", nargs="+", default=[], metavar="NAME",
        help="modules, nodes or prefixes that must not run in int8")
    add("--threads", type=int, default=1, help="threads for PyTorch (default: 1)")
    add("-o", "--output", required=True, metavar="OUT.safetensors", help="the file to write")
    return parser


def _load_model(text):
    path, colon, expression = text.partition(":")
    if not colon or not expression:
        raise _UsageError(f"--model {text}: write FILE.py:NAME")
    if not os.path.isfile(path):
        raise _UsageError(f"--model {text}: there is no file '{path}'")
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    specification = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
        found = eval(expression, vars(module))  # The file is the user's own program: it runs anyway.
        if callable(found) and not isinstance(found, torch.nn.Module):
            found = found()
    except Exception as error:
        raise _UsageError(f"--model {text}: {type(error).__name__}: {error}") from error
    if not isinstance(found, torch.nn.Module):
        raise _UsageError(f"--model {text}: gives a {type(found).__name__}, not a torch.nn.Module")
    return found


def _load_state_dict(model, path):
    try:
        state = torch.load(path, map_location="cpu")
    except Exception as error:
        raise _UsageError(f"--state-dict {path}: {error}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict):
        raise _UsageError(f"--state-dict {path}: holds a {type(state).__name__}, not a state dict")
    state = {name[len("module."):] if name.startswith("module.") else name: v for name, v in state.items()}
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
        raise _UsageError(f"--input-shape {' '.join(texts)}: write numbers with commas, as 1,3,224,224")
    return shapes if len(shapes) > 1 else shapes[0]


def _json(option, text):
    if text is None:
        return None
    try:
        if os.path.isfile(text):
            with open(text, encoding="utf-8") as file:
                text = file.read()
        return json.loads(text)
    except ValueError as error:
        raise _UsageError(f"{option}: not JSON: {error}") from error


def _lines(path):
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\r\n") for line in file if line.strip()]
