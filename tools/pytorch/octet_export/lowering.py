"""Makes the graph of a float export from a traced model: names, constants, and a check of every
operator."""
import dataclasses
import inspect
import operator

import torch
import torch.fx

from . import functions, interpret, quantized
from .errors import ExportError, at
from .graph import Activation, Graph, Node, as_parameter
from .prepared import ObserverSite

# The largest difference between an operator of the export and the model's, relative to the result's
# largest value.
RELATIVE_TOLERANCE = 1e-4


@dataclasses.dataclass
class Ref:
    """A tensor of the traced model: its name in the export, and its real value on the example."""
    name: str
    value: torch.Tensor
    constant: bool = False

    @property
    def shape(self):
        """The shape, a list of integers."""
        return list(self.value.shape)


class Lowering:
    """Builds `graph` from a traced fx graph of `model`."""

    def __init__(self, model, fx_graph, producer, prepared=False):
        self.model = model
        self.prepared = prepared
        self.graph = Graph(producer)
        self.paths = {}          # from a node's name to the path of the module that called it
        # For each call: (path of an observer, name of the tensor that it observes).
        self.sites = []
        self._fx_graph = fx_graph
        self._refs = {}
        # Fx node -> the Refs of all its results, of an operator that has several.
        self._several = {}
        self._taken = set(model.state_dict())
        self._bases = _float_functional_paths(model, fx_graph)

    def run(self, advance=lambda: None):
        """Returns the graph. Calls `advance` after each fx node. Error: the export has no form for
        an operator, or computes another value for it."""
        output = self._output_node()
        live = _live_nodes(output)
        for node in self._fx_graph.nodes:
            if node.op == "placeholder":
                self._input(node)
            elif node in live and node is not output:
                self._node(node)
            advance()
        self._outputs(output)
        return self.graph

    def _output_node(self):
        return next(node for node in self._fx_graph.nodes if node.op == "output")

    def has_quantized_values(self):
        """Returns whether the model itself computes with quantized tensors."""
        values = (node.meta.get("value") for node in self._refs)
        return any(value.is_quantized for value in values if isinstance(value, torch.Tensor))

    def unique(self, name, op):
        """Returns a name for a node that no other node, activation or parameter has."""
        candidate, count = name, 0
        same = next((node for node in self.graph.nodes if node.name == name), None)
        if same is not None and same.op != op and name in self.paths.values():
            name = candidate = f"{name}.{op}"
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._taken.add(candidate)
        return candidate

    def take(self, name):
        """Marks a name as used, so that `unique` gives it to nobody else."""
        self._taken.add(name)

    def add_parameter(self, name, tensor):
        """Returns the name under which the graph has this constant tensor."""
        self.graph.parameters[name] = as_parameter(tensor)
        return name

    def ref(self, node):
        """Returns the Ref of an fx node. For a constant, it is made here."""
        if node not in self._refs and not node.meta["depends"]:
            self._refs[node] = self._constant(node)
        return self._refs[node]

    def _constant(self, node):
        if (node.op == "call_module"
            and isinstance(self.model.get_submodule(node.target), ObserverSite)):
            return self.ref(node.args[0])
        made_by_tracing = str(node.target).startswith("_tensor_constant")
        if node.op == "get_attr" and node.target in self._taken and not made_by_tracing:
            name = node.target
        else:
            name = self.unique(_join(node.meta["path"], "constant"), "constant")
        value = node.meta["snapshot"]
        return Ref(name, value.dequantize() if value.is_quantized else value, constant=True)

    def _input(self, node):
        value = node.meta["snapshot"]
        name = self.unique(node.target, "input")
        self.graph.inputs.append(name)
        self.graph.activations[name] = Activation(tuple(value.shape))
        self._refs[node] = Ref(name, value)

    def _node(self, node):
        if not node.meta["depends"] or not isinstance(node.meta["value"], torch.Tensor):
            return
        result = Emitter(self, node).lower()
        if result.name in self.graph.activations and node.meta["snapshot"].is_quantized:
            scale, zero_point = quantized.parameters_of(node.meta["snapshot"], node.meta["path"])
            self.graph.set_scale(result.name, scale, zero_point)
        self._refs[node] = Ref(result.name, _real(node.meta["snapshot"]), result.constant)

    def _outputs(self, output):
        for node in _flatten_outputs(output.args[0]):
            if not isinstance(node, torch.fx.Node):
                raise ExportError(f"the model returns {node!r}, which is not a tensor; return only "
                                  "tensors")
            ref = self.ref(node)
            if ref.constant:
                number = len(self.graph.outputs)
                raise ExportError(f"the model's output {number} does not depend on its input")
            if ref.name in self.graph.outputs or ref.name in self.graph.inputs:
                ref = self._copy_of(ref)
            self.graph.outputs.append(ref.name)
        if not self.graph.outputs:
            raise ExportError("the model returns no tensor")

    def _copy_of(self, ref):
        name = self.unique(f"{ref.name}.output", "identity")
        self.graph.nodes.append(Node(name, "identity", [ref.name], [name], {}))
        self.graph.activations[name] = dataclasses.replace(self.graph.activations[ref.name])
        self.paths[name] = ""
        return Ref(name, ref.value)

    def base_name(self, node):
        """Returns the name for a node: the path of a standard module, or the calling module's path
        with the function."""
        if node in self._bases:
            return self._bases[node]
        path = node.target if node.op == "call_module" else node.meta["path"]
        if path and _is_standard(self.model.get_submodule(path)):
            return path
        return _join(path, functions.spoken_name(node))


class Emitter:
    """Gives the handler of one fx node what it needs to write nodes of the export."""

    def __init__(self, lowering, node):
        self.lowering = lowering
        self.node = node
        self.path = node.target if node.op == "call_module" else node.meta["path"]
        self.base = lowering.base_name(node)
        self.value = node.meta["value"]

    @property
    def module(self):
        """The leaf module of a call_module node."""
        return self.lowering.model.get_submodule(self.node.target)

    def fail(self, problem):
        """Raises an ExportError that names the module."""
        raise ExportError(f"{at(self.path)}: {problem}")

    def lower(self):
        """Returns the Ref of the node's result, after a check against the value that the model
        computed."""
        handler, args, kwargs = self._handler()
        to_ref = self.lowering.ref
        args, kwargs = torch.fx.node.map_arg((tuple(args), dict(kwargs)), to_ref)
        try:
            inspect.signature(handler).bind(self, *args, **kwargs)
        except TypeError as error:
            name = functions.name_of(self.node)
            self.fail(f"{name} is called in a way that the exporter does not know ({error})")
        result = handler(self, *args, **kwargs)
        self._check(result)
        return result

    def _handler(self):
        node = self.node
        if node.op == "call_module":
            return quantized.module_handler(self), node.args, node.kwargs
        if (node.target is operator.getitem
            and isinstance(node.args[0].meta["value"], (tuple, list))):
            parent, item = node.args
            return functions.item_handler(self, parent), (item, *parent.args), parent.kwargs
        return functions.handler(self), node.args, node.kwargs

    def emit(self, op, inputs, part=None, weights=None, **attributes):
        """Writes a node and returns the Ref of its result. `part` names one of several nodes; the
        last has the base name.

        Inputs are Refs. `weights` is (scales, zero points) for int8 weights.
        """
        name = self.lowering.unique(f"{self.base}.{part}" if part else self.base, op)
        (result,) = self._add_node(name, op, inputs, [name], weights, attributes)
        return result

    def emit_several(self, op, inputs, results, **attributes):
        """-> the Refs of all results of a new node, which `results` names.

        The items of one call are lowered one by one: the first makes the node, the others find it
        made.
        """
        lowering, parent = self.lowering, self.node.args[0]
        if parent not in lowering._several:
            name = lowering.unique(lowering.base_name(parent), op)
            outputs = [lowering.unique(f"{name}.{result}", op) for result in results]
            lowering._several[parent] = self._add_node(name, op, inputs, outputs, None, attributes)
        return lowering._several[parent]

    def _add_node(self, name, op, inputs, outputs, weights, attributes):
        lowering = self.lowering
        names = [lowering.add_parameter(r.name, r.value) if r.constant else r.name for r in inputs]
        node = Node(name, op, names, outputs, attributes, weights)
        values = [r.value if not r.constant else interpret.parameter(lowering.graph, node, i)
                  for i, r in enumerate(inputs)]
        lowering.graph.nodes.append(node)
        lowering.paths[name] = self.path
        refs = [Ref(*pair) for pair in zip(outputs, interpret.run_node(op, values, attributes))]
        for ref in refs:
            kind = "f32" if ref.value.is_floating_point() else "s32"
            lowering.graph.activations[ref.name] = Activation(tuple(ref.value.shape), type=kind)
        return refs

    def parameter(self, name, tensor):
        """Returns the Ref of a constant that is named after the node (`conv.weight`)."""
        name = f"{self.base}.{name}"
        if name in self.lowering.graph.parameters:
            if torch.equal(self.lowering.graph.parameters[name], as_parameter(tensor)):
                return Ref(name, tensor, constant=True)
            name = self.lowering.unique(name, "parameter")
        self.lowering.take(name)
        return Ref(name, as_parameter(tensor), constant=True)

    def tensor(self, value, name="constant"):
        """Returns a Ref for an operand that may be a Ref or a Python number."""
        if isinstance(value, Ref):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fail(f"{functions.name_of(self.node)} with an operand of type "
                      f"{type(value).__name__}")
        name = self.lowering.unique(f"{self.base}.{name}", "constant")
        return Ref(name, torch.tensor(float(value)), constant=True)

    def _check(self, result):
        expected = self.node.meta["snapshot"]
        if list(result.value.shape) != list(expected.shape):
            self.fail(f"the export of {functions.name_of(self.node)} has the shape "
                      f"{list(result.value.shape)} instead of {list(expected.shape)}; this is a "
                      "fault of the exporter")
        got, wanted = result.value.detach().double(), _real(expected).detach().double()
        if expected.is_quantized:
            worst, limit = quantized.distance_in_levels(got, expected), 1.05
        else:
            worst, limit = relative_distance(got, wanted), RELATIVE_TOLERANCE
        if not worst <= limit:
            self.fail(f"the export of {functions.name_of(self.node)} differs from the model by "
                      f"{worst:.3g} (allowed: {limit:g}); replace it with a simpler operator")


def relative_distance(got, wanted):
    """Returns the largest difference, relative to the largest wanted value. NaN and infinity must
    be equal."""
    if wanted.numel() == 0:
        return 0.0
    got, wanted = got.double(), wanted.double()
    same = torch.isclose(got, wanted, rtol=0, atol=0, equal_nan=True)
    difference = torch.where(same, torch.zeros_like(got), (got - wanted).abs())
    finite = wanted[torch.isfinite(wanted)].abs()
    return float(difference.max() / max(float(finite.max()) if finite.numel() else 0.0, 1e-20))


def _real(value):
    if value.is_quantized:
        return value.dequantize()
    return value.float() if value.is_floating_point() else value


def _join(path, name):
    return f"{path}.{name}" if path else name


def _is_standard(module):
    containers = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict)
    own = type(module).__module__.startswith("torch.")
    return own and not (type(module) in containers) and not isinstance(module, torch.fx.GraphModule)


def _flatten_outputs(value):
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in _flatten_outputs(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _flatten_outputs(item)]
    return [value]


def _live_nodes(output):
    live, pending = set(), [output]
    while pending:
        node = pending.pop()
        if node not in live:
            live.add(node)
            pending.extend(node.all_input_nodes)
    return live


def _float_functional_paths(model, fx_graph):
    """Returns {fx node: path of the FloatFunctional or QFunctional that made it}, because their
    calls carry no path."""
    bases = {}
    for node in fx_graph.nodes:
        parent, _, last = node.target.rpartition(".") if node.op == "call_module" else ("", "", "")
        if last == "activation_post_process" and parent:
            kind = type(model.get_submodule(parent)).__name__
            if kind in ("FloatFunctional", "QFunctional", "FXFloatFunctional"):
                bases[node.args[0]] = parent
    return bases
