// Small float models with one operator or a few: forms of attributes, padding, broadcasting,
// encodings.
import { model, node, tensor } from './onnx_writer.mjs';

const product = (dims) => dims.reduce((a, b) => a * b, 1);
// Values between -1 and 1 that a reader can tell apart.
const wave = (count, phase = 0) =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 1.7 + phase)));
const floats = (dims, phase = 0, encoding = 'raw') =>
  tensor('float', dims, wave(product(dims), phase), encoding);
const positive = (dims) => tensor('float', dims, wave(product(dims)).map((v) => 0.5 + v * v));
const ints = (...values) => tensor('int64', [values.length], values);
const scalar = (value) => tensor('float', [], [value]);
const image = [1, 4, 7, 6];
const small = [1, 2, 4, 3];

export const cases = [];

// One node between x and y.
function one(name, op,
  { x = image, attributes = {}, initializers = {}, y = [], range = 2, ...rest } = {}) {
  cases.push({
    name, range,
    bytes: model({
      inputs: { x }, outputs: { y: [y.length ? y : ['a', 'b', 'c', 'd'], 'float'] }, initializers,
      nodes: [node(op, ['x', ...Object.keys(initializers)], ['y'], attributes)], ...rest,
    }),
  });
}

function graph(name, { range = 2, ...rest }) {
  cases.push({ name, range, bytes: model(rest) });
}

const any = (rank, type = 'float') => [Array.from({ length: rank }, (_, i) => `d${i}`), type];

// Convolutions.
const w33 = { w: floats([6, 4, 3, 3]) };
one('conv', 'Conv', { initializers: { ...w33, b: floats([6], 1) } });
one('conv_pads', 'Conv',
  { initializers: w33, attributes: { kernel_shape: [3, 3], pads: [1, 2, 0, 1] } });
one('conv_strides', 'Conv',
  { initializers: w33, attributes: { strides: [2, 1], pads: [1, 1, 1, 1] } });
one('conv_dilations', 'Conv',
  { initializers: w33, attributes: { dilations: [2, 1], pads: [2, 1, 2, 1] } });
one('conv_groups', 'Conv', { initializers: { w: floats([6, 2, 3, 3]) }, attributes: { group: 2 } });
one('conv_depthwise', 'Conv', { initializers: { w: floats([4, 1, 3, 3]), b: floats([4], 2) },
  attributes: { group: 4, pads: [1, 1, 1, 1] } });
one('conv_depthwise_multiplier', 'Conv',
  { initializers: { w: floats([8, 1, 3, 3]) }, attributes: { group: 4 } });
one('conv_same_upper', 'Conv', { initializers: { w: floats([3, 4, 2, 2]) },
  attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] } });
one('conv_same_lower', 'Conv',
  { initializers: { w: floats([3, 4, 2, 4]) }, attributes: { auto_pad: 'SAME_LOWER' } });
one('conv_valid', 'Conv',
  { initializers: w33, attributes: { auto_pad: 'VALID', strides: [2, 2] } });
one('conv_float16', 'Conv', {
  initializers: { h: tensor('float16', [2, 4, 1, 1], [0.5, -1.25, 2, 0, 3, -0.75, 1.5, 1]) },
  nodes: [node('Cast', ['h'], ['w'], { to: 1 }), node('Conv', ['x', 'w'], ['y'])] });
one('conv_typed_weights', 'Conv', { initializers: { w: floats([6, 4, 3, 3], 0, 'typed') } });
one('conv_unpacked_weights', 'Conv', { initializers: { w: floats([6, 4, 3, 3], 0, 'unpacked') } });
one('conv_weights_are_inputs', 'Conv',
  { initializers: w33, initializersAreInputs: true, opset: 8 });

// Transposed convolutions.
const t = (extra) => ({ initializers: { w: floats([4, 3, 3, 3]) }, ...extra });
one('conv_transpose', 'ConvTranspose', t());
one('conv_transpose_stride2', 'ConvTranspose',
  t({ attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] } }));
one('conv_transpose_2x2', 'ConvTranspose', {
  initializers: { w: floats([4, 3, 2, 2]), b: floats([3], 1) }, attributes: { strides: [2, 2] } });
one('conv_transpose_4x4', 'ConvTranspose', { initializers: { w: floats([4, 3, 4, 4]),
  b: floats([3], 1) }, attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } });
one('conv_transpose_uneven', 'ConvTranspose',
  t({ attributes: { strides: [3, 2], pads: [0, 1, 2, 0] } }));
one('conv_transpose_small_kernel', 'ConvTranspose', { initializers: { w: floats([4, 3, 2, 1]) },
  attributes: { strides: [3, 3], output_padding: [2, 1] } });
one('conv_transpose_dilation', 'ConvTranspose',
  t({ attributes: { dilations: [2, 2], strides: [2, 1] } }));
one('conv_transpose_groups', 'ConvTranspose', { initializers: { w: floats([4, 3, 3, 3]),
  b: floats([6], 1) }, attributes: { group: 2, strides: [2, 2] } });
one('conv_transpose_depthwise', 'ConvTranspose', { initializers: { w: floats([4, 1, 4, 4]) },
  attributes: { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] } });
one('conv_transpose_same_upper', 'ConvTranspose',
  t({ attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] } }));
one('conv_transpose_same_lower', 'ConvTranspose',
  t({ attributes: { auto_pad: 'SAME_LOWER', strides: [2, 2] } }));
one('conv_transpose_output_shape', 'ConvTranspose',
  t({ attributes: { output_shape: [14, 11], strides: [2, 2] } }));

graph('conv_transpose_batch_norm_relu', { inputs: { x: image }, outputs: { y: any(4) },
  initializers: { w: floats([4, 2, 3, 3]), s: positive([4]), h: floats([4]), m: floats([4], 1),
    v: positive([4]) },
  nodes: [node('ConvTranspose', ['x', 'w'], ['t'], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1],
    output_padding: [1, 1] }),
    node('BatchNormalization', ['t', 's', 'h', 'm', 'v'], ['n']), node('Relu', ['n'], ['y'])] });
graph('conv_transpose_read_twice', { inputs: { x: image }, outputs: { y: any(4) },
  initializers: { w: floats([4, 1, 2, 2]) },
  nodes: [node('ConvTranspose', ['x', 'w'], ['t'], { strides: [2, 2] }), node('Relu', ['t'], ['r']),
    node('Sub', ['t', 'r'], ['y'])] });

// Matrices.
one('gemm', 'Gemm', { x: [2, 5], initializers: { w: floats([5, 3]), c: floats([3], 1) } });
one('gemm_transposed', 'Gemm', { x: [2, 5], initializers: { w: floats([3, 5]),
  c: floats([1, 3], 1) }, attributes: { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } } });
one('gemm_trans_a', 'Gemm',
  { x: [5, 2], initializers: { w: floats([5, 3]) }, attributes: { transA: 1 } });
one('gemm_scalar_c', 'Gemm', { x: [2, 5], initializers: { w: floats([5, 3]), c: scalar(0.25) } });
one('gemm_matrix_c', 'Gemm',
  { x: [2, 5], initializers: { w: floats([5, 3]), c: floats([2, 3], 1) } });
one('matmul', 'MatMul', { x: [2, 3, 5], initializers: { w: floats([5, 4]) } });
one('matmul_image', 'MatMul', { x: image, initializers: { w: floats([1, 1, 6, 4]) } });
graph('flatten_gemm', { inputs: { x: image }, outputs: { y: any(2) },
  initializers: { w: floats([168, 3]) },
  nodes: [node('Relu', ['x'], ['r']), node('Flatten', ['r'], ['f']),
    node('Gemm', ['f', 'w'], ['y'])] });

// Normalisation.
const bn = { s: positive([4]), b: floats([4]), m: floats([4], 1), v: positive([4]) };
one('batch_norm', 'BatchNormalization',
  { initializers: bn, attributes: { epsilon: { float: 1e-3 } } });
one('batch_norm_rank3', 'BatchNormalization', { x: [1, 4, 5], initializers: bn });
one('batch_norm_opset7', 'BatchNormalization', { initializers: bn, opset: 7 });
graph('conv_batch_norm_relu', { inputs: { x: image }, outputs: { y: any(4) },
  initializers: { w: floats([4, 4, 3, 3]), ...bn },
  nodes: [node('Conv', ['x', 'w'], ['c']),
    node('BatchNormalization', ['c', ...Object.keys(bn)], ['n']), node('Relu', ['n'], ['y'])] });

// Functions of one value.
for (const op of ['Relu', 'Sigmoid', 'Tanh', 'HardSwish', 'Exp', 'Abs', 'Neg', 'HardSigmoid',
  'LeakyRelu', 'Elu', 'Softsign']) {
  one(`unary_${op.toLowerCase()}`, op, { x: small, range: 4 });
}
one('unary_gelu', 'Gelu', { x: small, range: 4, opset: 20 });
one('unary_gelu_tanh', 'Gelu',
  { x: small, range: 4, opset: 20, attributes: { approximate: 'tanh' } });
for (const op of ['Erf', 'Softplus']) one(`unary_${op.toLowerCase()}`, op, { x: small, range: 4 });
one('unary_mish', 'Mish', { x: small, range: 4, opset: 18 });
// Functions that exporters spell out.
graph('spelled_silu', { inputs: { x: small }, outputs: { y: any(4) }, range: 4,
  nodes: [node('Sigmoid', ['x'], ['s']), node('Mul', ['x', 's'], ['y'])] });
graph('spelled_hard_swish', { inputs: { x: small }, outputs: { y: any(4) }, range: 5,
  initializers: { three: scalar(3), low: scalar(0), high: scalar(6), six: scalar(6) },
  nodes: [node('Add', ['x', 'three'], ['a']), node('Clip', ['a', 'low', 'high'], ['c']),
    node('Mul', ['x', 'c'], ['p']), node('Div', ['p', 'six'], ['y'])] });
graph('spelled_gelu', { inputs: { x: small }, outputs: { y: any(4) }, range: 4,
  initializers: { root: scalar(Math.SQRT2), one: scalar(1), half: scalar(0.5) },
  nodes: [node('Div', ['x', 'root'], ['d']), node('Erf', ['d'], ['e']),
    node('Add', ['e', 'one'], ['a']), node('Mul', ['x', 'a'], ['p']),
    node('Mul', ['p', 'half'], ['y'])] });
graph('spelled_mish', { inputs: { x: small }, outputs: { y: any(4) }, range: 4,
  nodes: [node('Softplus', ['x'], ['s']), node('Tanh', ['s'], ['t']),
    node('Mul', ['x', 't'], ['y'])] });
one('leaky_relu_alpha', 'LeakyRelu', { x: small, attributes: { alpha: { float: 0.2 } } });
one('elu_alpha', 'Elu', { x: small, attributes: { alpha: { float: 0.7 } } });
one('hard_sigmoid_sixth', 'HardSigmoid',
  { x: small, range: 5, attributes: { alpha: { float: 1 / 6 }, beta: { float: 0.5 } } });
one('clip_attributes', 'Clip',
  { x: small, opset: 8, attributes: { min: { float: -0.5 }, max: { float: 1 } } });
one('clip_inputs', 'Clip', { x: small, initializers: { lo: scalar(-0.5), hi: scalar(0.75) } });
one('clip_min_only', 'Clip', { x: small, initializers: { lo: scalar(0.25) } });
graph('clip_max_only', { inputs: { x: small }, outputs: { y: any(4) },
  initializers: { hi: scalar(0.5) }, nodes: [node('Clip', ['x', '', 'hi'], ['y'])] });
one('prelu_channels', 'PRelu',
  { x: small, initializers: { s: tensor('float', [2, 1, 1], [0.1, 0.4]) } });
one('prelu_one', 'PRelu', { x: small, initializers: { s: tensor('float', [1], [0.3]) } });
one('prelu_columns', 'PRelu', { x: small, initializers: { s: floats([3]) } });
one('prelu_places', 'PRelu', { x: small, initializers: { s: floats([1, 4, 3]) } });
one('prelu_opset7', 'PRelu',
  { x: small, opset: 7, initializers: { s: tensor('float', [2, 1, 1], [0.1, 0.4]) } });
one('pow_2', 'Pow', { x: small, initializers: { e: scalar(2) } });
one('pow_3', 'Pow', { x: small, initializers: { e: tensor('float', [1], [3]) } });
graph('sqrt_log_reciprocal', {
  inputs: { x: small }, outputs: { a: any(4), b: any(4), c: any(4), d: any(4) },
  initializers: { one: scalar(4), half: scalar(0.5) },
  nodes: [node('Add', ['x', 'one'], ['p']), node('Sqrt', ['p'], ['a']), node('Log', ['p'], ['b']),
    node('Reciprocal', ['p'], ['c']), node('Pow', ['p', 'half'], ['d'])] });

// Functions of two values.
for (const op of ['Add', 'Sub', 'Mul', 'Div']) {
  one(`${op.toLowerCase()}_channels`, op,
    { x: small, initializers: { c: tensor('float', [2, 1, 1], [0.5, -2]) } });
  one(`${op.toLowerCase()}_columns`, op,
    { x: small, initializers: { c: tensor('float', [3], [0.5, -2, 1.5]) } });
  one(`${op.toLowerCase()}_scalar`, op, { x: small, initializers: { c: scalar(1.75) } });
}
graph('constant_minus_x', { inputs: { x: small }, outputs: { y: any(4) },
  initializers: { c: floats([2, 1, 3]) }, nodes: [node('Sub', ['c', 'x'], ['y'])] });
graph('mul_activations', { inputs: { x: small }, outputs: { y: any(4) },
  nodes: [node('GlobalAveragePool', ['x'], ['g']), node('Mul', ['x', 'g'], ['y'])] });
graph('add_lower_rank', { inputs: { x: small, z: [4, 3] }, outputs: { y: any(4) },
  nodes: [node('Add', ['z', 'x'], ['y'])] });
graph('sum_of_three', { inputs: { x: small, z: small }, outputs: { y: any(4) },
  initializers: { c: scalar(1) }, nodes: [node('Sum', ['x', 'z', 'c'], ['y'])] });
one('min_constant', 'Min', { x: small, initializers: { c: scalar(0.5) } });
one('max_constant', 'Max', { x: small, initializers: { c: scalar(-0.25) } });

// Pools.
one('max_pool', 'MaxPool', { attributes: { kernel_shape: [2, 2] } });
one('max_pool_strides', 'MaxPool',
  { attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] } });
one('max_pool_ceil', 'MaxPool',
  { attributes: { kernel_shape: [2, 3], strides: [2, 2], ceil_mode: 1 } });
one('max_pool_dilations', 'MaxPool', { attributes: { kernel_shape: [2, 2], dilations: [2, 3] } });
one('max_pool_same_upper', 'MaxPool',
  { attributes: { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' } });
one('max_pool_same_lower', 'MaxPool',
  { attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER' } });
one('average_pool', 'AveragePool', { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
one('average_pool_pads', 'AveragePool',
  { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] } });
one('average_pool_count_pads', 'AveragePool',
  { attributes: { kernel_shape: [3, 3], pads: [1, 0, 1, 1], count_include_pad: 1 } });
one('average_pool_ceil', 'AveragePool',
  { attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } });
one('average_pool_ceil_count_pads', 'AveragePool', { opset: 19, attributes: { kernel_shape: [3, 3],
  strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 } });
one('average_pool_same', 'AveragePool',
  { attributes: { kernel_shape: [3, 2], auto_pad: 'SAME_UPPER', strides: [2, 2] } });
one('global_average_pool', 'GlobalAveragePool');
one('global_max_pool', 'GlobalMaxPool');
one('reduce_mean_image', 'ReduceMean', { attributes: { axes: [2, 3], keepdims: 0 } });
one('reduce_mean_channels', 'ReduceMean', { attributes: { axes: [1] } });
one('reduce_mean_negative', 'ReduceMean', { attributes: { axes: [-1], keepdims: 0 } });
one('reduce_mean_all', 'ReduceMean', { x: [2, 3], attributes: { keepdims: 1 } });
one('reduce_mean_input', 'ReduceMean', { opset: 18, initializers: { a: ints(2, 3) } });
one('reduce_sum', 'ReduceSum', { initializers: { a: ints(3) } });
one('reduce_max_image', 'ReduceMax', { attributes: { axes: [2, 3], keepdims: 0 } });
one('softmax_last', 'Softmax', { x: [2, 5], range: 6 });
one('softmax_channels', 'Softmax', { x: small, attributes: { axis: 1 } });
one('softmax_opset11_flat', 'Softmax', { x: [2, 3, 4], opset: 11 });
one('softmax_opset11_last', 'Softmax', { x: [2, 3, 4], opset: 11, attributes: { axis: 2 } });
one('log_softmax', 'LogSoftmax', { x: [2, 5], attributes: { axis: 1 } });
graph('argmax', { inputs: { x: image }, outputs: { y: any(4, 'int64') },
  nodes: [node('ArgMax', ['x'], ['y'], { axis: 1 })] });
graph('argmax_no_axis', { inputs: { x: [3, 5] }, outputs: { y: any(1, 'int64') },
  nodes: [node('ArgMax', ['x'], ['y'], { axis: -1, keepdims: 0 })] });

// Parts of tensors.
graph('concat_channels', { inputs: { x: small, z: [1, 3, 4, 3] }, outputs: { y: any(4) },
  nodes: [node('Concat', ['x', 'z'], ['y'], { axis: 1 })] });
graph('concat_constant', { inputs: { x: small }, outputs: { y: any(4) },
  initializers: { c: floats([1, 2, 4, 2]) },
  nodes: [node('Concat', ['c', 'x'], ['y'], { axis: -1 })] });
graph('split_attribute', { opset: 11, inputs: { x: image }, outputs: { y: any(4), z: any(4) },
  nodes: [node('Split', ['x'], ['y', 'z'], { axis: 1, split: [1, 3] })] });
graph('split_input', { inputs: { x: image }, outputs: { y: any(4), z: any(4) },
  initializers: { s: ints(3, 4) }, nodes: [node('Split', ['x', 's'], ['y', 'z'], { axis: 2 })] });
graph('split_equal', { inputs: { x: image }, outputs: { y: any(4), z: any(4) },
  nodes: [node('Split', ['x'], ['y', 'z'], { axis: -1 })] });
graph('split_num_outputs', { opset: 18, inputs: { x: image }, outputs: { y: any(4), z: any(4) },
  nodes: [node('Split', ['x'], ['y', 'z'], { axis: 2, num_outputs: 2 })] });
one('slice_attributes', 'Slice',
  { opset: 9, attributes: { starts: [1, -4], ends: [3, 5], axes: [1, 3] } });
one('slice_inputs', 'Slice', { initializers: { s: ints(-1, 1), e: ints(-100, 9223372036854775807n),
  a: ints(2, 3), p: ints(-2, 2) } });
one('slice_no_axes', 'Slice', { x: [4, 5], initializers: { s: ints(1, 2), e: ints(3, 100) } });
one('gather_one', 'Gather',
  { initializers: { i: tensor('int64', [], [2]) }, attributes: { axis: 1 } });
one('gather_some', 'Gather', { initializers: { i: ints(3, 0, 0, -2) }, attributes: { axis: 1 } });
one('gather_steps', 'Gather', { initializers: { i: ints(5, 3, 1) }, attributes: { axis: 3 } });
one('pad_attributes', 'Pad',
  { opset: 8, attributes: { pads: [0, 1, 2, 0, 0, 0, 1, 3], value: { float: 0.5 } } });
one('pad_inputs', 'Pad', { initializers: { p: ints(0, 0, 1, 1, 0, 0, 2, 2), v: scalar(-1) } });
one('pad_axes', 'Pad',
  { opset: 18, initializers: { p: ints(1, 2, 0, 1), v: scalar(0), a: ints(2, -1) } });
one('pad_negative', 'Pad', { initializers: { p: ints(0, 0, -1, 2, 0, 0, -2, 0) } });
one('pad_reflect', 'Pad',
  { initializers: { p: ints(0, 0, 2, 1, 0, 0, 1, 3) }, attributes: { mode: 'reflect' } });
one('pad_edge', 'Pad',
  { initializers: { p: ints(0, 0, 2, 1, 0, 0, 1, 3) }, attributes: { mode: 'edge' } });

// Shapes.
one('reshape', 'Reshape', { initializers: { s: ints(0, -1, 3) } });
one('reshape_split_channels', 'Reshape', { initializers: { s: ints(1, 2, 2, 7, 6) } });
one('flatten_axis', 'Flatten', { attributes: { axis: 2 } });
one('squeeze', 'Squeeze', { x: [1, 4, 1, 3], initializers: { a: ints(2) } });
one('squeeze_all', 'Squeeze', { x: [1, 4, 1, 3], opset: 11 });
one('unsqueeze_attribute', 'Unsqueeze', { x: small, opset: 11, attributes: { axes: [0] } });
one('unsqueeze_input', 'Unsqueeze', { x: [4, 3], initializers: { a: ints(0, -1) } });
one('transpose', 'Transpose', { attributes: { perm: [0, 2, 3, 1] } });
one('transpose_reversed', 'Transpose', { x: [2, 3, 4] });
graph('transposed_input', { inputs: { x: [1, 7, 6, 4] }, outputs: { y: any(4) },
  initializers: { w: floats([5, 4, 3, 3]) },
  nodes: [node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }), node('Conv', ['t', 'w'], ['c']),
    node('Transpose', ['c'], ['y'], { perm: [0, 2, 3, 1] })] });
graph('channel_shuffle', { inputs: { x: [1, 6, 4, 3] }, outputs: { y: any(4) },
  initializers: { a: ints(1, 2, 3, 4, 3), b: ints(1, 6, 4, 3) },
  nodes: [node('Reshape', ['x', 'a'], ['r']), node('Transpose', ['r'], ['t'],
    { perm: [0, 2, 1, 3, 4] }), node('Reshape', ['t', 'b'], ['y'])] });
one('depth_to_space', 'DepthToSpace', { x: [1, 8, 3, 2], attributes: { blocksize: 2 } });
one('depth_to_space_crd', 'DepthToSpace',
  { x: [1, 8, 3, 2], attributes: { blocksize: 2, mode: 'CRD' } });
one('space_to_depth', 'SpaceToDepth', { x: [1, 3, 4, 6], attributes: { blocksize: 2 } });

// Resizes.
function resize(name, { scales, sizes, attributes = {}, x = small, opset = 13 }) {
  graph(name, { opset, inputs: { x }, outputs: { y: any(4) },
    initializers: scales ? { s: tensor('float', [4], [1, 1, ...scales]) }
    : { s: ints(1, 2, ...sizes) },
    nodes: [node('Resize', scales ? ['x', '', 's'] : ['x', '', '', 's'], ['y'], attributes)] });
}
const asymmetric = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric',
  nearest_mode: 'floor' };
resize('resize_nearest_2x', { scales: [2, 2], attributes: asymmetric });
resize('resize_nearest_default', { scales: [2, 3] });
resize('resize_nearest_uneven', { sizes: [7, 5], attributes: asymmetric });
resize('resize_nearest_down', { scales: [0.6, 0.6], attributes: { mode: 'nearest' } });
resize('resize_nearest_ceil', { sizes: [7, 5],
  attributes: { nearest_mode: 'ceil', coordinate_transformation_mode: 'half_pixel' } });
resize('resize_nearest_prefer_ceil', { scales: [2, 2], attributes: {
  nearest_mode: 'round_prefer_ceil', coordinate_transformation_mode: 'asymmetric' } });
graph('resize_nearest_tf', { opset: 11, inputs: { x: small }, outputs: { y: any(4) },
  initializers: { roi: floats([0]), none: floats([0]), s: ints(1, 2, 7, 5) },
  nodes: [node('Resize', ['x', 'roi', 'none', 's'], ['y'],
    { coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'floor' })] });
resize('resize_linear', { scales: [2, 2], attributes: { mode: 'linear' } });
resize('resize_linear_pytorch', { sizes: [8, 9],
  attributes: { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' } });
resize('resize_linear_corners', { sizes: [7, 6],
  attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' } });
resize('resize_linear_asymmetric',
  { scales: [2, 2], attributes: { mode: 'linear', coordinate_transformation_mode: 'asymmetric' } });
resize('resize_linear_uneven_scale', { scales: [1.7, 2.4], attributes: { mode: 'linear' } });
resize('resize_linear_down', { sizes: [2, 2], attributes: { mode: 'linear' } });
graph('resize_opset10', { opset: 10, inputs: { x: small }, outputs: { y: any(4) },
  initializers: { s: tensor('float', [4], [1, 1, 0.6, 2]) },
  nodes: [node('Resize', ['x', 's'], ['y'])] });
graph('upsample_opset9', { opset: 9, inputs: { x: small }, outputs: { y: any(4) },
  initializers: { s: tensor('float', [4], [1, 1, 2, 3]) },
  nodes: [node('Upsample', ['x', 's'], ['y'], { mode: 'nearest' })] });
graph('upsample_opset7', { opset: 7, inputs: { x: small }, outputs: { y: any(4) },
  nodes: [node('Upsample', ['x'], ['y'], { mode: 'nearest', scales: { floats: [1, 1, 2, 2] } })] });
graph('upsample_linear', { opset: 9, inputs: { x: small }, outputs: { y: any(4) },
  initializers: { s: tensor('float', [4], [1, 1, 2, 2]) },
  nodes: [node('Upsample', ['x', 's'], ['y'], { mode: 'linear' })] });
graph('resize_by_shape', { inputs: { x: small, z: [1, 5, 8, 6] }, outputs: { y: any(4) },
  initializers: { a: ints(2), b: ints(4), l: ints(1, 2), i: ints(0), e: ints(9) },
  nodes: [node('Shape', ['z'], ['zs']), node('Slice', ['zs', 'a', 'e'], ['hw']),
    node('Concat', ['l', 'hw'], ['size'], { axis: 0 }),
    node('Resize', ['x', '', '', 'size'], ['y'], asymmetric)] });

// Arithmetic that is folded.
graph('shape_arithmetic', { inputs: { x: image }, outputs: { y: any(3) }, initializers: {
  zero: tensor('int64', [], [0]), two: tensor('int64', [], [2]), three: tensor('int64', [], [3]) },
  nodes: [node('Shape', ['x'], ['s']), node('Gather', ['s', 'zero'], ['n']),
    node('Gather', ['s', 'two'], ['h']), node('Gather', ['s', 'three'], ['w']),
    node('Mul', ['h', 'w'], ['hw']), node('Cast', ['hw'], ['f'], { to: 1 }),
    node('Floor', ['f'], ['g']), node('Cast', ['g'], ['i'], { to: 7 }),
    node('Unsqueeze', ['n'], ['n1'], { axes: [0] }),
    node('Unsqueeze', ['i'], ['i1'], { axes: [0] }),
    node('Constant', [], ['rest'], { value: ints(-1) }),
    node('Concat', ['n1', 'rest', 'i1'], ['shape'], { axis: 0 }),
    node('Reshape', ['x', 'shape'], ['y'])], opset: 11 });
graph('folded_weights', { inputs: { x: image }, outputs: { y: any(4) },
  initializers: { v: floats([4, 6, 1, 1]), g: positive([6, 1, 1, 1]), axes: ints(1, 2, 3) },
  nodes: [node('Transpose', ['v'], ['vt'], { perm: [1, 0, 2, 3] }),
    node('Mul', ['vt', 'vt'], ['sq']), node('ReduceSum', ['sq', 'axes'], ['ss']),
    node('Sqrt', ['ss'], ['norm']),
    node('Div', ['vt', 'norm'], ['unit']), node('Mul', ['unit', 'g'], ['w']),
    node('Conv', ['x', 'w'], ['y'])] });
graph('where_equal_range', { inputs: { x: [2, 6] }, outputs: { y: any(2) },
  initializers: { a: tensor('int64', [], [0]), b: tensor('int64', [], [6]),
    c: tensor('int64', [], [1]), three: tensor('int64', [], [3]), yes: scalar(2), no: scalar(-1) },
  nodes: [node('Range', ['a', 'b', 'c'], ['r']), node('Equal', ['r', 'three'], ['e']),
    node('Where', ['e', 'yes', 'no'], ['m']), node('Mul', ['x', 'm'], ['y'])] });
graph('constant_of_shape', { inputs: { x: small }, outputs: { y: any(4) },
  initializers: { s: ints(1, 2, 1, 3) },
  nodes: [node('ConstantOfShape', ['s'], ['c'], { value: tensor('float', [1], [3]) }),
    node('Add', ['x', 'c'], ['y'])] });
graph('same_dropout_identity', { inputs: { x: small }, outputs: { y: any(4) }, nodes: [
  node('Identity', ['x'], ['i']), node('Dropout', ['i'], ['d']), node('Relu', ['d'], ['y'])] });
graph('dead_branch', { inputs: { x: small }, outputs: { y: any(4) },
  nodes: [node('Relu', ['x'], ['y']), node('Softplus', ['x'], ['unused'])] });
graph('dynamic_batch', { inputs: { x: [['batch', 2, 4, 3], 'float'] }, outputs: { y: any(4) },
  nodes: [node('Relu', ['x'], ['y'])] });

// Several outputs, and tensors with several names.
graph('two_names', { inputs: { x: small }, outputs: { y: any(4), z: any(4), t: any(4) },
  nodes: [node('Relu', ['x'], ['y']), node('Identity', ['y'], ['z']),
    node('Transpose', ['y'], ['t'], { perm: [0, 1, 3, 2] })] });
graph('residual_block', { inputs: { x: image }, outputs: { y: any(2) }, initializers: {
  w: floats([4, 4, 3, 3]), v: floats([4, 4, 1, 1], 2), f: floats([5, 4]), c: floats([5]) },
  nodes: [node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }), node('Relu', ['a'], ['b']),
    node('Conv', ['b', 'v'], ['c1']), node('Add', ['c1', 'x'], ['d']), node('Relu', ['d'], ['e']),
    node('GlobalAveragePool', ['e'], ['g']), node('Flatten', ['g'], ['h']),
    node('Gemm', ['h', 'f', 'c'], ['y'], { transB: 1 })] });

// Small networks, as exporters write them.
graph('squeeze_excite_hard_swish', { opset: 11, inputs: { x: image }, outputs: { y: any(4) },
  initializers: { w: floats([8, 4, 1, 1]), d: floats([8, 1, 3, 3], 1), r: floats([4, 8, 1, 1]),
    e: floats([8, 4, 1, 1], 2), p: floats([4, 8, 1, 1], 3), three: scalar(3), six: scalar(6),
    zero: scalar(0) },
  nodes: [node('Conv', ['x', 'w'], ['a']),
    node('Add', ['a', 'three'], ['a3']), node('Clip', ['a3', 'zero', 'six'], ['a6']),
    node('Mul', ['a', 'a6'], ['am']), node('Div', ['am', 'six'], ['h']),
    node('Conv', ['h', 'd'], ['dw'], { group: 8, pads: [1, 1, 1, 1] }),
    node('GlobalAveragePool', ['dw'], ['g']),
    node('Conv', ['g', 'r'], ['s']), node('Relu', ['s'], ['sr']), node('Conv', ['sr', 'e'], ['t']),
    node('HardSigmoid', ['t'], ['gate'], { alpha: { float: 0.16666667 }, beta: { float: 0.5 } }),
    node('Mul', ['dw', 'gate'], ['m']), node('Conv', ['m', 'p'], ['o']),
    node('Add', ['o', 'x'], ['y'])] });
graph('unet', { inputs: { x: [1, 3, 8, 12] }, outputs: { y: any(4) },
  initializers: { a: floats([4, 3, 3, 3]), b: floats([6, 4, 3, 3], 1), u: floats([6, 4, 2, 2], 2),
    c: floats([2, 8, 3, 3], 3) },
  nodes: [node('Conv', ['x', 'a'], ['e'], { pads: [1, 1, 1, 1] }), node('Relu', ['e'], ['er']),
    node('MaxPool', ['er'], ['d'], { kernel_shape: [2, 2], strides: [2, 2] }),
    node('Conv', ['d', 'b'], ['m'], { pads: [1, 1, 1, 1] }), node('Relu', ['m'], ['mr']),
    node('ConvTranspose', ['mr', 'u'], ['up'], { strides: [2, 2] }),
    node('Concat', ['er', 'up'], ['k'], { axis: 1 }),
    node('Conv', ['k', 'c'], ['o'], { pads: [1, 1, 1, 1] }),
    node('Softmax', ['o'], ['y'], { axis: 1 })] });
graph('split_silu_upsample_head', { opset: 13, inputs: { x: image }, outputs: { y: any(3) },
  initializers: { w: floats([8, 4, 3, 3]), v: floats([4, 4, 3, 3], 1),
    s: tensor('float', [4], [1, 1, 2, 2]), h: floats([6, 12, 1, 1], 2), shape: ints(1, 6, -1),
    halves: ints(4, 4) },
  nodes: [node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('Sigmoid', ['c'], ['g']),
    node('Mul', ['c', 'g'], ['silu']),
    node('Split', ['silu', 'halves'], ['p', 'q'], { axis: 1 }),
    node('Conv', ['q', 'v'], ['r'], { pads: [1, 1, 1, 1] }), node('Add', ['q', 'r'], ['t']),
    node('Concat', ['p', 'q', 't'], ['k'], { axis: 1 }),
    node('Resize', ['k', '', 's'], ['z'], asymmetric), node('Conv', ['z', 'h'], ['o']),
    node('Reshape', ['o', 'shape'], ['f']),
    node('Transpose', ['f'], ['y'], { perm: [0, 2, 1] })] });
graph('channels_last_classifier', {
  inputs: { x: [['unk__1', 7, 6, 3], 'float'] }, outputs: { y: any(2) },
  initializers: { w: floats([4, 3, 3, 3]), f: floats([4, 5], 1), b: floats([5], 2),
    axes: ints(2, 3) },
  nodes: [node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }), node('Conv', ['t', 'w'], ['c'],
    { auto_pad: 'SAME_UPPER', strides: [2, 2] }), node('Relu', ['c'], ['r']),
    node('GlobalAveragePool', ['r'], ['g']), node('Squeeze', ['g', 'axes'], ['q']),
    node('MatMul', ['q', 'f'], ['m']), node('Add', ['m', 'b'], ['a']),
    node('Softmax', ['a'], ['y'])] });
graph('normalised_rows', { inputs: { x: [3, 6] }, outputs: { y: any(2) },
  initializers: { two: scalar(2), eps: scalar(1e-5), g: floats([6]), b: floats([6], 1) },
  nodes: [node('ReduceMean', ['x'], ['m'], { axes: [-1] }), node('Sub', ['x', 'm'], ['d']),
    node('Pow', ['d', 'two'], ['s']), node('ReduceMean', ['s'], ['v'], { axes: [-1] }),
    node('Add', ['v', 'eps'], ['e']), node('Sqrt', ['e'], ['r']), node('Div', ['d', 'r'], ['n']),
    node('Mul', ['n', 'g'], ['ng']), node('Add', ['ng', 'b'], ['y'])] });
graph('byte_input_cast', { inputs: { x: [small, 'float'] }, outputs: { y: any(4) },
  initializers: { m: scalar(0.5) },
  nodes: [node('Cast', ['x'], ['f'], { to: 1 }), node('Sub', ['f', 'm'], ['y'])] });
graph('newest_operator_set', { opset: 23, inputs: { x: image }, outputs: { y: any(2) },
  initializers: { w: floats([4, 4, 3, 3]), s: ints(1, -1) },
  nodes: [node('Conv', ['x', 'w'], ['c']), node('Relu', ['c'], ['r']), node('AveragePool', ['r'],
    ['p'], { kernel_shape: [2, 2] }), node('Reshape', ['p', 's'], ['y'])] });
