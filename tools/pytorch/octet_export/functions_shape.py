"""Handlers of the functions that move values: reshaping, slicing, joining, padding, resizing."""
import math

from .functions import register


def _reshape(e, x, part=None, shape=None):
    return e.emit("reshape", [x], part=part, shape=list(e.value.shape) if shape is None else shape)


@register("view", "reshape", "flatten", "squeeze", "unsqueeze", "unflatten", "view_as",
          "reshape_as")
def _to_known_shape(e, input, *sizes, **more):
    if any(hasattr(s, "is_floating_point") or str(s).startswith("torch.") for s in sizes):
        e.fail("view with a dtype cannot be exported")
    return _reshape(e, input)


@register("contiguous", "clone", "detach", "to", "float", "type_as", "alias", "cpu",
          "requires_grad", "identity", "expand_as", "expand")
def _same(e, input, *arguments, **more):
    if list(e.value.shape) != input.shape:
        e.fail("expand cannot be exported; add, sub, mul and div broadcast by themselves")
    if not e.value.is_floating_point() and not e.value.is_quantized:
        e.fail(f"a conversion to {e.value.dtype} cannot be exported; leave it to the application")
    return input


@register("dropout", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout",
          "feature_alpha_dropout")
def _dropout(e, input, p=0.5, training=True, inplace=False):
    if training and p > 0:
        e.fail("dropout is in training mode; call model.eval(), and pass training=self.training to "
               "F.dropout")
    return input


@register("stochastic_depth")
def _stochastic_depth(e, input, p, mode, training=True):
    return _dropout(e, input, p, training)


@register("permute")
def permute(e, input, *dims):
    """Writes a transpose with any permutation of the axes."""
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return e.emit("transpose", [input], permutation=[int(d) % len(input.shape) for d in order])


@register("transpose", "swapaxes", "swapdims")
def transpose(e, input, dim0, dim1):
    """Writes a transpose that swaps two axes."""
    order = list(range(len(input.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return e.emit("transpose", [input], permutation=order)


@register("t")
def _t(e, input):
    return transpose(e, input, 0, 1) if len(input.shape) == 2 else input


@register("movedim", "moveaxis")
def _movedim(e, input, source, destination):
    rank = len(input.shape)
    sources = [s % rank for s in (source if isinstance(source, (tuple, list)) else [source])]
    targets = [d % rank
               for d in (destination if isinstance(destination, (tuple, list)) else [destination])]
    rest = iter([axis for axis in range(rank) if axis not in sources])
    placed = dict(zip(targets, sources))
    return e.emit("transpose", [input],
                  permutation=[placed[i] if i in placed else next(rest) for i in range(rank)])


@register("cat", "concat", "concatenate")
def concat(e, tensors, dim=0):
    """Writes a concat. Parts without values are left out."""
    parts = [t for t in tensors if 0 not in t.shape]
    return parts[0] if len(parts) == 1 else e.emit("concat", parts, axis=int(dim))


@register("stack")
def _stack(e, tensors, dim=0):
    rank = len(tensors[0].shape) + 1
    axis = int(dim) % rank
    shape = tensors[0].shape
    parts = [_reshape(e, t, part=f"part{i}", shape=shape[:axis] + [1] + shape[axis:])
             for i, t in enumerate(tensors)]
    return e.emit("concat", parts, axis=axis)


def _slice(e, x, axis, start, end, step=1, part=None):
    if (start, end, step) == (0, x.shape[axis], 1):
        return x
    return e.emit("slice", [x], part=part, axis=axis, start=int(start), end=int(end),
                  step=int(step))


@register("narrow")
def _narrow(e, input, dim, start, length):
    axis = dim % len(input.shape)
    start = start % input.shape[axis] if start < 0 else start
    return _slice(e, input, axis, start, start + length)


@register("select")
def _select(e, input, dim, index):
    axis = dim % len(input.shape)
    index = index % input.shape[axis]
    return _reshape(e, _slice(e, input, axis, index, index + 1, part="slice"))


@register("chunk", "split", "split_with_sizes", "tensor_split", items=True)
def _piece(e, item, input, sections=None, dim=0, **more):
    dim = more.get("dim", dim)
    axis = dim % len(input.shape)
    pieces = e.node.args[0].meta["value"]
    start = sum(p.shape[axis] for p in pieces[:item])
    return _slice(e, input, axis, start, start + pieces[item].shape[axis])


@register("unbind", items=True)
def _unbound(e, item, input, dim=0):
    return _select(e, input, dim, item)


@register("getitem")
def _getitem(e, input, index):
    indices = list(index) if isinstance(index, tuple) else [index]
    if any(not (i is None or i is Ellipsis or isinstance(i, (int, slice))) for i in indices):
        e.fail("indexing with a tensor or a list cannot be exported; use slices, chunk or "
               "torch.cat")
    plain = sum(1 for i in indices if i is not None and i is not Ellipsis)
    if Ellipsis not in indices:
        indices.append(Ellipsis)
    at = indices.index(Ellipsis)
    indices[at:at + 1] = [slice(None)] * (len(input.shape) - plain)
    x, axis = input, 0
    for i in indices:
        if i is None:
            continue
        extent = input.shape[axis]
        start, end, step = (i.indices(extent) if isinstance(i, slice)
                            else (i % extent, i % extent + 1, 1))
        x = _slice(e, x, axis, start, max(start, end), step, part=f"axis{axis}")
        axis += 1
    return x if x.shape == list(e.value.shape) else _reshape(e, x)


@register("pad", "constant_pad_nd")
def _pad(e, input, pad, mode="constant", value=None):
    if mode != "constant":
        e.fail(f"padding with mode '{mode}' cannot be exported; use zeros (padding_mode='zeros')")
    if any(p < 0 for p in pad):
        e.fail("negative padding cannot be exported; use a slice")
    pairs = [[int(pad[i]), int(pad[i + 1])] for i in range(0, len(pad), 2)]
    pads = [[0, 0]] * (len(input.shape) - len(pairs)) + pairs[::-1]
    return e.emit("pad", [input], pads=pads, value=float(value or 0.0))


@register("pixel_shuffle")
def _pixel_shuffle(e, input, upscale_factor):
    n, c, h, w = input.shape
    r = int(upscale_factor)
    x = _reshape(e, input, "split", [n, c // (r * r), r, r, h, w])
    return _reshape(e, e.emit("transpose", [x], part="transpose", permutation=[0, 1, 4, 2, 5, 3]))


@register("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(e, input, groups):
    n, c, h, w = input.shape
    x = _reshape(e, input, "split", [n, int(groups), c // int(groups), h, w])
    return _reshape(e, e.emit("transpose", [x], part="transpose", permutation=[0, 2, 1, 3, 4]))


@register("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
def _interpolate(e, input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                 recompute_scale_factor=None, antialias=False):
    if mode not in ("nearest", "bilinear") or antialias:
        e.fail(f"interpolation with mode '{mode}'{' and antialias' if antialias else ''} cannot be "
               "exported; use 'nearest' or 'bilinear'")
    if len(input.shape) != 4:
        e.fail("interpolation of a tensor that is not [N, C, H, W]")
    target = list(e.value.shape[2:])
    if scale_factor is not None and not recompute_scale_factor and not align_corners:
        factors = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * 2
        if any(not math.isclose(extent * f, t)
               for extent, f, t in zip(input.shape[2:], factors, target)):
            e.fail(f"scale_factor {scale_factor} does not give a whole size; pass "
                   "recompute_scale_factor=True or size=")
    return e.emit("resize", [input], size=target, mode=mode, align_corners=bool(align_corners))
