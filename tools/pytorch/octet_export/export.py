"""The one function of the package: it writes a PyTorch model as a float export."""
import collections.abc
import copy
import os
import warnings

import numpy as np
import torch

from . import functions_compute, functions_shape, images, interpret, options, output_file, quantized
from .errors import ExportError, at
from .lowering import RELATIVE_TOLERANCE, Lowering, relative_distance
from .observers import Calibration
from .prepared import Prepared
from .progress import Progress
from .trace import Tracer, path_of, same_values

# Importing these fills the table of functions.
_HANDLER_MODULES = (functions_compute, functions_shape, quantized)


def export(model, input_shape, path, calibration=None, observer="histogram", keep_float=(),
           preprocess=None, labels=None, task=None, exif_rotate=True, max_bad=1, force=False):
    """Writes the float export of a model, as docs/float_export.md describes it, and returns its
    graph.

    model: a torch.nn.Module in eval mode: a float model, a model that went through
        torch.ao.quantization.prepare or prepare_qat and saw data, or a model that went through
        convert.
    input_shape: `(1, C, H, W)`, or a list of shapes for a model with several inputs. The batch is
        1.
    path: the .safetensors file to write, in a folder that exists. It appears whole or not at all.
    calibration: for float models only: a folder of images, which are read as `preprocess` says, or
        an iterable of batches. A batch is a float tensor, or a tuple of tensors, one for each
        input; further items of the tuple, such as the labels of a data set, are ignored. Batches
        may hold several images.
    observer: how calibration chooses the range of an activation: 'histogram' (the least L2 error),
        'min-max' or 'moving-average'.
    keep_float: modules, nodes, or prefixes of their names that must not run in int8.
    preprocess, labels, task: as docs/float_export.md describes them. Labels without a task make a
        classifier. preprocess may also be the name of a preset ('imagenet-torch', 'imagenet-tf',
        'zero-one'), and task may be 'classify'.
    exif_rotate: whether the images of a folder are turned as their EXIF says.
    max_bad: how many percent of a folder's images may be unreadable. They are left out, with a
        warning.
    force: whether to overwrite an existing file that is no .safetensors file.

    Raises ExportError if the model or an option cannot be exported; its message names the module.
    If standard error is a terminal and the work takes longer than a second, a line there shows the
    progress.
    """
    with Progress() as progress:
        return _export(model, input_shape, path, calibration, observer, keep_float, preprocess,
                       labels, task,
                       images.Reading(exif_rotate, options.check_max_bad(max_bad)), force, progress)


def _export(model, input_shape, path, calibration, observer, keep_float, preprocess, labels, task,
            reading, force, progress):
    in_folder = images.files_in(calibration) if isinstance(calibration, (str, os.PathLike)) else []
    output_file.check(path, in_folder, force)
    shapes = options.input_shapes(input_shape)
    if preprocess is not None:
        preprocess = options.check_preprocess(preprocess, shapes)
    if labels is not None:
        labels = options.check_labels(labels)
    model = _own_copy(model)
    prepared = Prepared(model)
    converted = any(quantized.is_quantized_module(m) for m in model.modules())
    if calibration is not None and (prepared or converted):
        raise ExportError("calibration is for float models; this one carries its own scales. Run "
                          "the prepared model on the calibration data before the export, and pass "
                          "no calibration")
    batches = _batches(calibration, preprocess, shapes, reading)
    first = next(batches, None)
    if calibration is not None and first is None:
        raise ExportError("calibration has no batches")
    example = ([x[:1].clone() for x in first] if first is not None
               else _random_inputs(shapes, preprocess))

    with torch.no_grad():
        lowering = _lower(model, example, prepared, progress)
        graph = lowering.graph
        if not converted and not lowering.has_quantized_values():
            _verify(model, lowering, example)
        if prepared:
            prepared.apply(lowering)
        elif converted:
            graph.keep_float = _float_layers(graph)
        elif first is not None:
            _calibrate(graph, first, batches, observer, progress, _count(calibration))
        else:
            warnings.warn("exported without calibration: the file has no scales, so nothing can "
                          "run in int8")
    kept = options.names_to_keep(keep_float, [n.name for n in graph.nodes], lowering.paths)
    graph.keep_float += [name for name in kept if name not in graph.keep_float]

    extras = {"preprocess": preprocess, "labels": labels}
    if task is None and labels is not None:  # whoever names classes has a classifier
        task = "classify"
    if task is not None:
        outputs = [graph.activations[name] for name in graph.outputs]
        extras["task"] = options.check_task(task, labels, outputs, shapes)
    _check_finite(graph)
    try:
        graph.save(path, {key: value for key, value in extras.items() if value is not None})
    except OSError as error:  # the error names the unfinished file, if there is one
        raise ExportError(f"{path}: cannot write: {error.strerror or error}") from error
    return graph


def _own_copy(model):
    if isinstance(model, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        raise ExportError("the model is TorchScript; export the Python module that it was made "
                          "from")
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"the model is a {type(model).__name__}, not a torch.nn.Module; load a "
                          "state dict into the module that it belongs to first")
    if isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        model = model.module
    if model.training:
        raise ExportError("the model is in training mode; call model.eval() first")
    try:
        model = copy.deepcopy(model).cpu()
    except Exception as error:
        raise ExportError(f"the model cannot be copied ({error}); call "
                          "torch.nn.utils.remove_weight_norm on layers with weight norm, and keep "
                          "no computed tensors as attributes") from error
    if any(p.is_floating_point() and p.dtype != torch.float32 for p in model.parameters()):
        model = model.float()
    return model


def _lower(model, example, prepared, progress):
    # Parameters may be shared, because no forward changes them.
    twin = copy.deepcopy(model, {id(p): p for p in model.parameters()})
    progress.stage("tracing the model")
    fx_graph = _trace(model, example, progress)
    lowering = Lowering(model, fx_graph, f"octet_export, PyTorch {torch.__version__}",
                        bool(prepared))
    progress.stage("exporting the operators", len(fx_graph.nodes))
    lowering.run(progress.advance)
    progress.stage("tracing it again", len(fx_graph.nodes))
    _check_repeatable(fx_graph, _trace(twin, example, progress))
    return lowering


def _trace(model, example, progress):
    tracer = Tracer([x.clone() for x in example], quantized.is_leaf, progress.advance)
    try:
        return tracer.run(model)
    except ExportError:
        raise
    except Exception as error:
        where = f" (in module '{tracer.last_path}')" if tracer.last_path else ""
        shapes = [list(x.shape) for x in example]
        raise ExportError(f"the model does not run on an input of the shape {shapes}{where}: "
                          f"{type(error).__name__}: {error}") from error


def _check_repeatable(first, second):
    """Error: two runs on one example give different values, some of which would become
    constants."""
    for a, b in zip(first.nodes, second.nodes):
        before, after = a.meta.get("snapshot"), b.meta.get("snapshot")
        if before is not None and (after is None or not same_values(before, after)):
            raise ExportError(f"{at(path_of(a))}: computes another value in every run (with "
                              "torch.randn or another random function), which has no form in the "
                              "export; make it a buffer, or an input of the model")


def _verify(model, lowering, example):
    wanted = _leaves(model(*[x.clone() for x in example]))
    got = interpret.run_graph(lowering.graph, [x.clone() for x in example])
    for name, a, b in zip(lowering.graph.outputs, got, wanted):
        distance = relative_distance(a, b)
        if not distance <= RELATIVE_TOLERANCE:
            raise ExportError(f"{at(lowering.paths.get(name, ''))}: the export computes something "
                              f"else than the model: output '{name}' differs by {distance:.3g} of "
                              "its largest value. The model may keep values from one run to the "
                              "next; make it compute each answer from its inputs alone")


def _leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    return ([leaf for v in value for leaf in _leaves(v)] if isinstance(value, (tuple, list))
            else [value])


def _float_layers(graph):
    return [n.name for n in graph.nodes if n.op in ("conv2d", "conv_transpose2d", "linear")
            and graph.parameters[n.inputs[1]].dtype != torch.int8]


def _calibrate(graph, first, batches, observer, progress, count):
    calibration = Calibration(observer, graph)
    progress.stage("observing batches", count)
    for batch in _chain(first, batches):
        for i in range(len(batch[0])):
            interpret.run_graph(graph, [x[i:i + 1] for x in batch], calibration.observe)
        calibration.end_batch()
        progress.advance()
    progress.stage("choosing ranges", len(graph.activations))
    calibration.apply(graph, progress.advance)


def _count(calibration):
    """Returns the number of batches, or None if it is not known before they are read."""
    if isinstance(calibration, torch.Tensor):
        return 1
    if isinstance(calibration, (str, os.PathLike)):
        return len(images.files_in(calibration))
    return len(calibration) if isinstance(calibration, collections.abc.Sized) else None


def _chain(first, rest):
    yield first
    yield from rest


def _batches(calibration, preprocess, shapes, reading):
    """Yields lists of float32 tensors [N, ...], one for each input."""
    if calibration is None:
        return
    if isinstance(calibration, (str, os.PathLike)):
        if preprocess is None:
            raise ExportError("calibration on a folder of images needs preprocess")
        files = images.files_in(calibration)
        bad = []
        for file in files:
            try:
                image = images.load(file, preprocess, reading.exif_rotate)
            except ExportError as error:
                bad.append(str(error))
            else:
                yield [image]
        images.check_bad(calibration, bad, len(files), reading.max_bad)
        return
    if isinstance(calibration, torch.Tensor):
        calibration = [calibration]
    if not isinstance(calibration, collections.abc.Iterable):
        raise ExportError(f"calibration is {calibration!r}, not a folder of images or an iterable "
                          "of batches")
    for index, batch in enumerate(calibration):
        yield _checked_batch(batch, index, shapes)


def _checked_batch(batch, index, shapes):
    parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
    parts = [torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in parts][:len(shapes)]
    if len(parts) < len(shapes) or not all(isinstance(p, torch.Tensor) for p in parts):
        raise ExportError(f"calibration batch {index} must be a tensor, or a tuple of "
                          f"{len(shapes)} tensors")
    for part, shape in zip(parts, shapes):
        if tuple(part.shape[1:]) != shape[1:] or len(part) == 0 or len(part) != len(parts[0]):
            raise ExportError(f"calibration batch {index} has the shape {tuple(part.shape)}, but "
                              f"input_shape is {shape}: only the first extent may differ")
    return [p.detach().cpu().float() for p in parts]


def _random_inputs(shapes, preprocess):
    generator = torch.Generator().manual_seed(1)
    if preprocess is None:
        return [torch.randn(shape, generator=generator) for shape in shapes]
    pixels = torch.randint(0, 256, shapes[0], generator=generator).float()
    mean, std = (torch.tensor(preprocess[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    return [(pixels - mean) / std]


def _check_finite(graph):
    for name, value in graph.parameters.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ExportError(f"parameter '{name}' has NaN or infinite values; look at the state "
                              "dict")
