"""Records the operations of a model on an example input.

This is torch.fx's symbolic tracing, but every recorded value is also computed at once. So sizes are
numbers (`x.size(0)`, `len(x.shape)`, `if x.shape[2] > 7`), lists of tensors are tuples, and every
node knows its shape.
"""
import collections
import operator

import torch
import torch.fx

from .errors import ExportError, at

# What code may ask of a tensor without reading its values.
_SHAPE_QUERIES = {
    "shape", "size", "dim", "ndim", "ndimension", "numel", "nelement", "dtype", "device", "stride",
    "layout", "is_contiguous", "is_floating_point", "is_complex", "is_quantized", "is_cuda",
    "requires_grad", "element_size", "get_device", "is_sparse", "q_scale", "q_zero_point",
    "storage_offset", "is_leaf",
}
_IN_PLACE_OPERATORS = {operator.iadd, operator.isub, operator.imul, operator.itruediv}


class _Proxy(torch.fx.Proxy):
    """Stands for a tensor whose value on the example input is known."""

    def __getattr__(self, name):
        if name in _SHAPE_QUERIES:
            attribute = getattr(self.node.meta["value"], name)
            if not callable(attribute):
                return attribute
        return super().__getattr__(name)

    def __len__(self):
        return len(self.node.meta["value"])

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __index__(self):
        return self.tracer.read(self.node).__index__()

    def __int__(self):
        return int(self.tracer.read(self.node))

    def __float__(self):
        return float(self.tracer.read(self.node))

    def __contains__(self, item):
        return item in self.tracer.read(self.node)

    def __iadd__(self, other):
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})

    def __isub__(self, other):
        return self.tracer.create_proxy("call_function", operator.isub, (self, other), {})

    def __imul__(self, other):
        return self.tracer.create_proxy("call_function", operator.imul, (self, other), {})

    def __itruediv__(self, other):
        return self.tracer.create_proxy("call_function", operator.itruediv, (self, other), {})

    def __setitem__(self, index, value):
        raise ExportError(f"{at(self.tracer.path)}: assigns to a part of a tensor (x[...] = y), "
                          "which has no form in the export; build the result with torch.cat or "
                          "F.pad")


class Tracer(torch.fx.Tracer):
    """Each node's meta has `value` (on the example), `snapshot` (the value before anything changed
    it in place), `path` (of the module that called it) and `depends` (whether its value depends on
    the inputs)."""

    proxy_buffer_attributes = True

    def __init__(self, inputs, is_leaf, advance=lambda: None):
        super().__init__()
        self._advance = advance  # called after each node
        self._inputs = list(inputs)
        self._taken = 0
        self._is_leaf = is_leaf
        self._stack = []
        self._computing = False
        # From a node whose value was changed in place to the node that changed it.
        self._replaced = {}
        self._changers = []
        # Path of the module that was entered last, where a failure comes from.
        self.last_path = ""

    @property
    def path(self):
        """The path of the module that is being traced; '' is the model itself."""
        return self._stack[-1] if self._stack else ""

    def is_leaf_module(self, module, path):
        return self._is_leaf(module) or path.endswith("activation_post_process")

    def call_module(self, module, forward, args, kwargs):
        if self._computing:
            return forward(*args, **kwargs)
        try:
            path = self.path_of_module(module)
        except NameError:
            raise ExportError(f"{at(self.path)}: calls a module ({type(module).__name__}) that is "
                              "not one of its submodules; assign it to an attribute in __init__")
        self._stack.append(path)
        self.last_path = path
        try:
            return super().call_module(module, forward, args, kwargs)
        finally:
            self._stack.pop()

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        if self._computing:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def proxy(self, node):
        return _Proxy(node, self)

    def read(self, node):
        """Returns the value of a node, if it is the same for every input. Error: it depends on the
        input."""
        if node.meta["depends"]:
            raise ExportError(f"{at(self.path)}: its Python code reads the values of a tensor (an "
                              "`if`, a loop, int() or .item()), so that the graph depends on the "
                              "input; replace it with tensor operators, or move it out of the "
                              "model")
        return node.meta["value"]

    def to_bool(self, obj):
        return bool(self.read(obj.node))

    def create_arg(self, a):
        # fx would make a node of a named tuple, such as topk's result that a model returns as it
        # is.
        return super().create_arg(tuple(a) if isinstance(a, tuple) and hasattr(a, "_fields") else a)

    def create_node(self, kind, target, args, kwargs, name=None, type_expr=None):
        resolved = torch.fx.node.map_arg((args, kwargs), self._current)
        node = super().create_node(kind, target, *resolved, name, type_expr)
        node.meta["path"] = self.path
        if target not in _SHAPE_QUERIES:
            self._check_operands(node)
        if kind == "get_attr":
            self._record(node, self._compute(node), depends=False)
        return node

    def _current(self, node):
        while node in self._replaced:
            node = self._replaced[node]
        return node

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, *rest, **more):
        if kind == "placeholder":
            return self._placeholder(target, args)
        if kind == "get_attr":
            return super().create_proxy(kind, target, args, kwargs, name, type_expr)
        proxy = super().create_proxy(kind, target, args, kwargs, name, type_expr)
        node = proxy.node
        depends = any(n.meta["depends"] for n in node.all_input_nodes)
        value = self._compute(node)
        if not _holds_tensor(value):
            if kind == "call_module":
                raise ExportError(f"{at(target)}: {type(self.root.get_submodule(target)).__name__} "
                                  "cannot be exported; octet runs convolutional networks")
            if depends and target not in _SHAPE_QUERIES:
                node.meta.update(value=value, depends=True)
                self.read(node)
            return value
        self._record(node, value, depends)
        if _changes_its_input(node):
            self._replace(node)
        return proxy if isinstance(value, torch.Tensor) else self._items(proxy, value)

    def _check_operands(self, node):
        """Error: an operand has another value than when it was recorded. The graph's tensors share
        no memory, so it would compute something else."""
        for operand in node.all_input_nodes:
            snapshot = operand.meta.get("snapshot")
            if snapshot is None or same_values(operand.meta["value"], snapshot):
                continue
            order = {n: i for i, n in enumerate(self.graph.nodes)}
            changers = [n for n in self._changers if order[n] > order[operand]
                        and _storage(n.args[0].meta["value"]) == _storage(operand.meta["value"])]
            where = path_of(changers[0]) if changers else self.path
            raise ExportError(f"{at(where)}: changes a tensor in place of which another part or "
                              f"view is read afterwards ('{operand.name}'), which has no form in "
                              "the export; write y = f(x) without inplace=True, += or a name that "
                              "ends in _, and put parts together with torch.cat")

    def _replace(self, node):
        """Makes all readers of the tensor that the node changed in place read the node instead."""
        changed = node.args[0]
        for other in self.graph.nodes:
            if other is not node and other not in self._replaced:
                if other is changed or other.meta.get("value") is changed.meta["value"]:
                    self._replaced[other] = node
        self._changers.append(node)

    def _placeholder(self, target, default):
        if self._taken == len(self._inputs) and (default or target.startswith("*")):
            return default[0] if default else ({} if target.startswith("**") else ())
        if target.startswith("*"):
            raise ExportError(f"the model's forward takes any number of inputs ('{target}'); wrap "
                              "the model in a module whose forward names each of them")
        if self._taken == len(self._inputs):
            raise ExportError(f"the model's forward takes more inputs than the {len(self._inputs)} "
                              f"in input_shape ('{target}' is missing); give input_shape one shape "
                              "an input, in a list")
        proxy = super().create_proxy("placeholder", target, (), {})
        self._record(proxy.node, self._inputs[self._taken], depends=True)
        self._taken += 1
        return proxy

    def _items(self, proxy, value):
        items = [super(Tracer, self).create_proxy("call_function", operator.getitem, (proxy, i), {})
                 for i in range(len(value))]
        for item, part in zip(items, value):
            self._record(item.node, part, proxy.node.meta["depends"])
        if hasattr(value, "values") and hasattr(value, "indices"):
            return collections.namedtuple("ValuesIndices", "values indices")(*items)
        return tuple(items)

    def _record(self, node, value, depends):
        snapshot = value.detach().clone() if isinstance(value, torch.Tensor) else None
        node.meta.update(value=value, snapshot=snapshot, depends=depends)
        self._advance()

    def _compute(self, node):
        args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), lambda n: n.meta["value"])
        self._computing = True
        try:
            value = self._call(node, args, kwargs)
        finally:
            self._computing = False
        return (_in_order(value, node) if isinstance(value, torch.Tensor) and value.is_quantized
                else value)

    def _call(self, node, args, kwargs):
        if node.op == "get_attr":
            return _attribute(self.root, node.target)
        if node.op == "call_module":
            return self.root.get_submodule(node.target)(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        return node.target(*args, **kwargs)

    def run(self, model):
        """Returns the fx graph of the model on the example inputs."""
        graph = self.trace(model)
        if self._taken != len(self._inputs):
            raise ExportError(f"input_shape has {len(self._inputs)} shapes but the model's forward "
                              f"takes {self._taken} inputs")
        return graph


def _in_order(value, node):
    """Returns a quantized value with its elements in order, unless it is a view of an operand."""
    # In PyTorch 1.13, the quantized relu6 mixes up the pixels of a channels-last tensor. The
    # quantized convolution returns such a tensor with qnnpack.
    operands = [n.meta["value"] for n in node.all_input_nodes]
    views = [_storage(x) for x in operands if isinstance(x, torch.Tensor)]
    return value if _storage(value) in views else value.contiguous()


def same_values(a, b):
    """Returns whether two tensors have the same shape and values; NaN equals NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if torch.equal(a, b):
        return True
    return a.is_floating_point() and bool(((a == b) | (a.isnan() & b.isnan())).all())


def path_of(node):
    """Returns the path of the module that a node is, or of the module that called its function."""
    return node.target if node.op == "call_module" else node.meta["path"]


def _storage(value):
    return getattr(value, "untyped_storage", value.storage)().data_ptr()


def _attribute(root, target):
    for atom in target.split("."):
        root = getattr(root, atom)
    return root


def _holds_tensor(value):
    if isinstance(value, (tuple, list)):
        return bool(value) and all(isinstance(v, torch.Tensor) for v in value)
    return isinstance(value, torch.Tensor)


def _changes_its_input(node):
    if not node.args or not isinstance(node.args[0], torch.fx.Node):
        return False
    if node.op == "call_module":
        before = node.args[0].meta["snapshot"]
        return (node.meta["value"] is node.args[0].meta["value"]
                and not same_values(node.meta["value"], before))
    if node.target in _IN_PLACE_OPERATORS or node.kwargs.get("inplace") is True:
        return True
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return name.endswith("_") and not name.endswith("__")
