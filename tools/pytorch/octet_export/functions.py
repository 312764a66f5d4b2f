"""The table of torch functions and tensor methods, with the handlers that write them as operators.

A handler has the parameters of the torch function, after the emitter. Tensors arrive as Refs, all
else as Python values. It returns the Ref of its result.
"""
HANDLERS = {}
ITEM_HANDLERS = {}

_WRITTEN_OUT = ("write it out: x = x - x.mean(dims, keepdim=True), then x / torch.sqrt((x * "
                "x).mean(dims, keepdim=True) + eps) times weight plus bias; octet computes that in "
                "float")

_REMEDIES = {
    "conv1d": "write it as a Conv2d with a kernel of height 1",
    "group_norm": _WRITTEN_OUT + ", the groups by a reshape before and after",
    "layer_norm": _WRITTEN_OUT,
    "instance_norm": _WRITTEN_OUT,
    "matmul": "use nn.Linear for products with a constant matrix",
    "bmm": "use nn.Linear for products with a constant matrix",
    "lstm": "octet runs convolutional networks only",
}


def register(*names, items=False):
    """Registers the decorated handler for the functions and methods with these names.

    items: the functions return several tensors. The handler returns one of them, whose number is
    its first parameter.
    """
    def add(handler):
        for name in names:
            (ITEM_HANDLERS if items else HANDLERS)[name] = handler
        return handler
    return add


def name_of(node):
    """Returns the name of the function that a node calls: `relu` for torch.relu, F.relu, x.relu()
    and x.relu_()."""
    if node.op == "call_method":
        name = node.target
    elif node.op == "call_module":
        return "module"
    else:
        qualified = getattr(node.target, "_qualified_op_name", None)
        if qualified or "torch.ops" in str(getattr(node.target, "__module__", "")):
            return (qualified or str(node.target)).replace("aten::", "")
        name = getattr(node.target, "__name__", str(node.target))
    if name.startswith("__") and name.endswith("__"):
        return name.strip("_")
    return name[:-1] if name.endswith("_") and len(name) > 1 else name


def spoken_name(node):
    """Returns the name for a node without a module of its own: `add` for +, += and
    quantized::add."""
    name = name_of(node).replace("quantized::", "")
    names = {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div",
             "getitem": "slice", "cat": "concat"}
    return names.get(name, name)


def handler(emitter):
    """Returns the handler of the emitter's node. Error: a function that the export has no form
    for."""
    name = name_of(emitter.node)
    if name not in HANDLERS:
        unknown(emitter, name)
    return HANDLERS[name]


def item_handler(emitter, parent):
    """Returns the handler for one result of a function that returns several."""
    name = name_of(parent)
    if name not in ITEM_HANDLERS:
        unknown(emitter, name)
    return ITEM_HANDLERS[name]


def unknown(emitter, name):
    """Raises the error for a function that the export has no form for."""
    remedy = _REMEDIES.get(name,
                           "replace it with operators of docs/float_export.md, or leave it out of "
                           "the exported model and do it in the application")
    emitter.fail(f"the function {name} cannot be exported; {remedy}")


@register("getattr")
def _getattr(e, x, name):
    if name in ("data", "real"):
        return x
    if name in ("T", "mT"):
        return HANDLERS["transpose"](e, x, -1, -2)
    e.fail(f"reads the attribute .{name} of a tensor, which cannot be exported")
