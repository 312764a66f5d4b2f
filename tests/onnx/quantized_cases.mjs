// Small quantized models: QDQ models with nodes as PyTorch, ONNX Runtime and NVIDIA's tools place
// them, and ONNX Runtime's QLinear operators. `step` is the scale of the output.
import { model, node, tensor } from './onnx_writer.mjs';

const product = (dims) => dims.reduce((a, b) => a * b, 1);
const wave = (count, phase = 0) =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 1.7 + phase)));
const floats = (dims, phase = 0) => tensor('float', dims, wave(product(dims), phase));
const scalar = (value) => tensor('float', [], [value]);
const s8 = (dims, phase = 0) =>
  tensor('int8', dims, wave(product(dims), phase).map((v) => Math.round(v * 127)));
const u8 = (dims, phase = 0) =>
  tensor('uint8', dims, wave(product(dims), phase).map((v) => Math.round(v * 127) + 128));
const byte = (type, value) => tensor(type, [], [value]);
const any = (rank, type = 'float') => [Array.from({ length: rank }, (_, i) => `d${i}`), type];
const image = [1, 4, 7, 6];
const microsoft = 'com.microsoft';

export const cases = [];

// Makes a graph whose scales are constants. `q(x, scale, zero)` quantizes and dequantizes x, and
// returns the name of the result.
class Qdq {
  nodes = [];
  initializers = {};
  count = 0;

  constant(value) {
    const name = `c${this.count++}`;
    this.initializers[name] = value;
    return name;
  }

  scales(scale, zero, type) {
    const many = Array.isArray(scale);
    return [this.constant(many ? tensor('float', [scale.length], scale) : scalar(scale)),
      this.constant(many ? tensor(type, [scale.length], scale.map(() => zero)) : byte(type, zero))];
  }

  q(x, scale, zero = 0, type = 'uint8') {
    const parameters = this.scales(scale, zero, type);
    this.nodes.push(node('QuantizeLinear', [x, ...parameters], [`${x}_q`]));
    this.nodes.push(node('DequantizeLinear', [`${x}_q`, ...parameters], [`${x}_dq`]));
    return `${x}_dq`;
  }

  // Adds a constant of bytes and dequantizes it.
  dq(value, scale, { zero = 0, axis = 0, type = 'int8' } = {}) {
    const name = this.constant(value);
    this.nodes.push(node('DequantizeLinear', [name, ...this.scales(scale, zero, type)],
      [`${name}_dq`], Array.isArray(scale) ? { axis } : {}));
    return `${name}_dq`;
  }

  op(op, inputs, attributes = {}) {
    const out = `t${this.count++}`;
    this.nodes.push(node(op, inputs, [out], attributes));
    return out;
  }

  finish(name, last, rank, step, { inputs = { x: image }, range = 2, opset = 17, ...rest } = {}) {
    this.nodes.push(node('Identity', [last], ['y']));
    cases.push({ name, range, step, ...rest,
      bytes: model({ opset, inputs, outputs: { y: any(rank) }, initializers: this.initializers,
        nodes: this.nodes }) });
  }
}

const channelScales = (n, base = 0.01) =>
  Array.from({ length: n }, (_, i) => Math.fround(base * (1 + i / 3)));

{ // ONNX Runtime: everything between quantize and dequantize, the bias in s32
  const g = new Qdq();
  const x = g.q('x', 2 / 127, 128);
  const w = g.dq(s8([5, 4, 3, 3]), channelScales(5));
  const b = g.dq(tensor('int32', [5], [900, -300, 50, 0, 77]),
    channelScales(5).map((s) => Math.fround(s * Math.fround(2 / 127))), { type: 'int32' });
  g.finish('qdq_conv', g.q(g.op('Conv', [x, w, b], { pads: [1, 1, 1, 1] }), 0.1, 128), 4, 0.1);
}
{ // signed activations, weights a tensor
  const g = new Qdq();
  const x = g.q('x', 2 / 127, 0, 'int8');
  const c = g.op('Conv', [x, g.dq(s8([5, 4, 3, 3]), 0.01)]);
  g.finish('qdq_conv_signed', g.q(c, 0.09, -10, 'int8'), 4, 0.09);
}
{ // unsigned weights with a zero point
  const g = new Qdq();
  const c = g.op('Conv',
    [g.q('x', 2 / 127, 128), g.dq(u8([5, 4, 3, 3]), 0.01, { zero: 120, type: 'uint8' })]);
  g.finish('qdq_conv_unsigned_weights', g.q(c, 0.1, 128), 4, 0.1);
}
{ // NVIDIA: symmetric, the weights in float between their own quantize and dequantize
  const g = new Qdq();
  const x = g.q('x', 2 / 127, 0, 'int8');
  const parameters = g.scales(channelScales(5, 0.008), 0, 'int8');
  g.nodes.push(node('QuantizeLinear', [g.constant(floats([5, 4, 3, 3])), ...parameters], ['wq'],
    { axis: 0 }));
  g.nodes.push(node('DequantizeLinear', ['wq', ...parameters], ['w'], { axis: 0 }));
  const c = g.op('Relu', [g.op('Conv', [x, 'w', g.constant(floats([5], 1))])]);
  g.finish('qdq_conv_relu_float_weights', g.q(c, 0.07, 0, 'int8'), 4, 0.07);
}
{ // depthwise, then pointwise with a clip
  const g = new Qdq();
  const d = g.op('Clip',
    [g.op('Conv', [g.q('x', 2 / 127, 128), g.dq(s8([4, 1, 3, 3]), channelScales(4))],
      { group: 4, pads: [1, 1, 1, 1] }), g.constant(scalar(0)), g.constant(scalar(6))]);
  const p = g.op('Conv', [g.q(d, 6 / 255), g.dq(s8([3, 4, 1, 1], 1), channelScales(3))]);
  g.finish('qdq_separable', g.q(p, 0.08, 128), 4, 0.08);
}
{ // a residual: each operand of the add has its own scale
  const g = new Qdq();
  const x = g.q('x', 2 / 127, 128);
  const c = g.q(g.op('Conv', [x, g.dq(s8([4, 4, 3, 3]), 0.01)], { pads: [1, 1, 1, 1] }), 0.09, 128);
  g.finish('qdq_residual', g.q(g.op('Relu', [g.op('Add', [c, x])]), 0.05), 4, 0.05);
}
for (const [name, op] of [['sigmoid', 'Sigmoid'], ['hard_swish', 'HardSwish'],
  ['leaky_relu', 'LeakyRelu'], ['tanh', 'Tanh']]) {
  const g = new Qdq();
  g.finish(`qdq_${name}`, g.q(g.op(op, [g.q('x', 4 / 127, 128)]), 1 / 60, 60), 4, 1 / 60,
    { range: 4 });
}
for (const [name, op, attributes] of [
  ['max_pool', 'MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }],
  ['average_pool', 'AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
  ['global_average_pool', 'GlobalAveragePool', {}],
  ['reduce_mean', 'ReduceMean', { axes: [2, 3] }]]) {
  const g = new Qdq();
  g.finish(`qdq_${name}`, g.q(g.op(op, [g.q('x', 2 / 127, 128)], attributes), 2 / 127, 128), 4,
    2 / 127);
}
{
  const g = new Qdq();
  const c = g.op('Concat', [g.q('x', 2 / 127, 128), g.q('z', 1 / 100, 100)], { axis: 1 });
  g.finish('qdq_concat', g.q(c, 0.02, 120), 4, 0.02, { inputs: { x: image, z: [1, 2, 7, 6] } });
}
{
  const g = new Qdq();
  g.finish('qdq_mul', g.q(g.op('Mul', [g.q('x', 2 / 127, 128), g.q('z', 1 / 100, 100)]), 0.03, 128),
    4, 0.03, { inputs: { x: image, z: [1, 4, 1, 1] } });
}
{ // a constant operand in bytes
  const g = new Qdq();
  g.finish('qdq_add_constant', g.q(g.op('Add', [g.q('x', 2 / 127, 128),
    g.dq(u8([4, 1, 1]), 0.013, { zero: 130, type: 'uint8' })]), 0.03, 128), 4, 0.03);
}
{ // a whole classifier, its head in float: the product goes out unrounded
  const g = new Qdq();
  const c = g.q(g.op('Relu',
    [g.op('Conv', [g.q('x', 2 / 127, 128), g.dq(s8([6, 4, 3, 3]), channelScales(6))])]), 0.06);
  const f = g.op('Flatten', [g.q(g.op('GlobalAveragePool', [c]), 0.02)]);
  const y = g.op('Gemm', [g.q(f, 0.02), g.dq(s8([5, 6], 2), channelScales(5))], { transB: 1 });
  g.finish('qdq_classifier', y, 2, 0.02);
}
{ // weights [in, out] with a scale a column
  const g = new Qdq();
  const y = g.op('MatMul',
    [g.q('x', 2 / 127, 128), g.dq(s8([6, 5]), channelScales(5), { axis: 1 })]);
  g.finish('qdq_matmul', g.q(y, 0.05, 128), 2, 0.05, { inputs: { x: [3, 6] } });
}
{ // what has no scale stays in float: a sigmoid between float tensors
  const g = new Qdq();
  const c = g.op('Conv', [g.q('x', 2 / 127, 128), g.dq(s8([5, 4, 3, 3]), 0.01)]);
  g.finish('qdq_float_tail', g.op('Sigmoid', [c]), 4, 0.01, { floatNodes: 1 });
}
{ // two readers with scales of their own
  const g = new Qdq();
  const c = g.op('Conv', [g.q('x', 2 / 127, 128), g.dq(s8([4, 4, 1, 1]), 0.01)]);
  const first = g.scales(0.05, 128, 'uint8');
  const second = g.scales(0.04, 100, 'uint8');
  const both = [first, second].map((parameters, i) => {
    g.nodes.push(node('QuantizeLinear', [c, ...parameters], [`q${i}`]),
      node('DequantizeLinear', [`q${i}`, ...parameters], [`d${i}`]));
    return `d${i}`;
  });
  g.finish('qdq_two_scales', g.q(g.op('Add', both), 0.1, 128), 4, 0.1, { floatNodes: 2 });
}
{ // movement between a dequantize and a quantize
  const g = new Qdq();
  const r = g.op('Reshape', [g.op('Transpose', [g.q('x', 2 / 127, 128)], { perm: [0, 2, 3, 1] }),
    g.constant(tensor('int64', [2], [42, 4]))]);
  g.finish('qdq_movement', g.q(r, 2 / 127, 128), 2, 2 / 127);
}
{ // a transposed convolution; its weights have a scale an output channel, on axis 1
  const g = new Qdq();
  const t = g.op('ConvTranspose', [g.q('x', 2 / 127, 128), g.dq(s8([4, 3, 4, 4]), channelScales(3),
    { axis: 1 })], { strides: [2, 2], pads: [1, 1, 1, 1] });
  g.finish('qdq_conv_transpose', g.q(t, 0.1, 128), 4, 0.1);
}
{
  const g = new Qdq();
  const r = g.op('Resize',
    [g.q('x', 2 / 127, 128), '', g.constant(tensor('float', [4], [1, 1, 2, 2]))],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' });
  g.finish('qdq_resize', g.q(r, 2 / 127, 128), 4, 2 / 127);
}
{
  const g = new Qdq();
  g.finish('qdq_softmax', g.q(g.op('Softmax', [g.q('x', 4 / 127, 128)]), 1 / 256), 2, 1 / 256,
    { inputs: { x: [3, 7] }, range: 4 });
}

{ // inverted residuals with squeeze and excite; scales without common factors, so that hardly a
  // value lies halfway between two levels, where every order of arithmetic rounds its own way
  const g = new Qdq();
  let x = g.q('x', 2 / 127, 128);
  const conv = (input, dims, scale, zero, attributes = {}, phase = 0) =>
    g.q(g.op('Conv', [input, g.dq(s8(dims, phase), channelScales(dims[0], 0.002)),
      g.constant(floats([dims[0]], phase))], attributes), scale, zero);
  for (const block of [0, 1]) {
    const a = g.q(g.op('HardSwish', [conv(x, [8, 4, 1, 1], 0.0613, 128, {}, block)]), 0.0497, 20);
    const d = conv(a, [8, 1, 3, 3], 0.0711, 120, { group: 8, pads: [1, 1, 1, 1] }, block + 2);
    const s = g.q(g.op('Relu', [g.op('Conv', [g.q(g.op('GlobalAveragePool', [d]), 0.0207, 128),
      g.dq(s8([4, 8, 1, 1], 3), 0.004)])]), 0.0103);
    const gate = g.q(g.op('HardSigmoid', [conv(s, [8, 4, 1, 1], 0.0307, 128, {}, 4)],
      { alpha: { float: 1 / 6 } }), 1 / 255);
    const m = g.q(g.op('Mul', [d, gate]), 0.0519, 120);
    x = g.q(g.op('Add', [conv(m, [4, 8, 1, 1], 0.0409, 128, {}, block + 5), x]), 0.0523, 128);
  }
  g.finish('qdq_inverted_residuals', x, 4, 0.0523);
}
{ // an encoder and decoder: pooled, transposed, joined
  const g = new Qdq();
  const x = g.q('x', 2 / 127, 0, 'int8');
  const e = g.q(g.op('Relu',
    [g.op('Conv', [x, g.dq(s8([6, 3, 3, 3]), 0.01)], { pads: [1, 1, 1, 1] })]), 0.05, -128, 'int8');
  const p = g.q(g.op('MaxPool', [e], { kernel_shape: [2, 2], strides: [2, 2] }), 0.05, -128,
    'int8');
  const t = g.q(g.op('ConvTranspose', [p, g.dq(s8([6, 4, 2, 2], 1), 0.01)], { strides: [2, 2] }),
    0.08, 0, 'int8');
  const k = g.q(g.op('Concat', [e, t], { axis: 1 }), 0.09, -10, 'int8');
  const o = g.q(g.op('Conv', [k, g.dq(s8([2, 10, 1, 1], 2), channelScales(2))]), 0.15, 3, 'int8');
  g.finish('qdq_encoder_decoder', o, 4, 0.15, { inputs: { x: [1, 3, 8, 12] } });
}
{ // PyTorch with 7 bits: a clip of the bytes between quantize and dequantize, on weights too
  const g = new Qdq();
  const parameters = g.scales(2 / 63, 64, 'uint8');
  const weights = g.scales(0.01, 0, 'int8');
  g.nodes.push(node('QuantizeLinear', ['x', ...parameters], ['xq']),
    node('Clip', ['xq', g.constant(byte('uint8', 0)), g.constant(byte('uint8', 120))], ['xc']),
    node('DequantizeLinear', ['xc', ...parameters], ['xd']),
    node('QuantizeLinear', [g.constant(floats([5, 4, 3, 3])), ...weights], ['wq']),
    node('Clip', ['wq', g.constant(byte('int8', -64)), g.constant(byte('int8', 63))], ['wc']),
    node('DequantizeLinear', ['wc', ...weights], ['wd']));
  g.finish('qdq_seven_bits', g.q(g.op('Conv', ['xd', 'wd']), 0.06, 128), 4, 0.06);
}

// QOperator models: bytes go from node to node, and only the graph's input and output are float.
class QOperator extends Qdq {
  tensors = {};

  quantize(x, scale, zero = 0, type = 'uint8') {
    const parameters = this.scales(scale, zero, type);
    this.nodes.push(node('QuantizeLinear', [x, ...parameters], [`${x}_q`]));
    this.tensors[`${x}_q`] = parameters;
    return `${x}_q`;
  }

  // Returns [x, x's scale, x's zero point].
  with(name) {
    return [name, ...this.tensors[name]];
  }

  bytes(value, scale, zero, type) {
    const name = this.constant(value);
    this.tensors[name] = this.scales(scale, zero, type);
    return name;
  }

  result(op, inputs, scale, zero,
    { domain = microsoft, attributes = {}, type = 'uint8', after = [] } = {}) {
    const out = `t${this.count++}`;
    this.tensors[out] = this.scales(scale, zero, type);
    this.nodes.push(node(op, [...inputs, ...this.tensors[out], ...after], [out], attributes,
      domain));
    return out;
  }

  dequantize(name, last, rank, step, options) {
    const y = `${last}_real`;
    this.nodes.push(node('DequantizeLinear', this.with(last), [y]));
    this.finish(name, y, rank, step, options);
  }
}

{
  const g = new QOperator();
  const w = g.bytes(s8([5, 4, 3, 3]), channelScales(5), 0, 'int8');
  const b = g.constant(tensor('int32', [5], [900, -300, 50, 0, 77]));
  const y = g.result('QLinearConv', [...g.with(g.quantize('x', 2 / 127, 128)), ...g.with(w)], 0.1,
    128, { domain: '', attributes: { pads: [1, 0, 1, 2] }, after: [b] });
  g.dequantize('qlinear_conv', y, 4, 0.1);
}
{
  const g = new QOperator();
  const w = g.bytes(u8([4, 1, 3, 3]), 0.012, 131, 'uint8');
  const y = g.result('QLinearConv', [...g.with(g.quantize('x', 2 / 127, 128)), ...g.with(w)], 0.05,
    128, { domain: '', attributes: { group: 4, strides: [2, 2] } });
  g.dequantize('qlinear_conv_depthwise', y, 4, 0.05);
}
{
  const g = new QOperator();
  const w = g.bytes(s8([6, 5]), 0.01, 0, 'int8');
  const y = g.result('QLinearMatMul', [...g.with(g.quantize('x', 2 / 127, 128)), ...g.with(w)],
    0.05, 128, { domain: '' });
  g.dequantize('qlinear_matmul', y, 2, 0.05, { inputs: { x: [3, 6] } });
}
{
  const g = new QOperator();
  const w = g.bytes(s8([5, 6]), channelScales(5), 0, 'int8');
  const b = g.constant(tensor('int32', [5], [900, -300, 50, 0, 77]));
  const y = g.result('QGemm', [...g.with(g.quantize('x', 2 / 127, 128)), ...g.with(w), b], 0.05,
    128, { attributes: { transB: 1 } });
  g.dequantize('qgemm', y, 2, 0.05, { inputs: { x: [3, 6] } });
}
for (const [name, op] of [['add', 'QLinearAdd'], ['mul', 'QLinearMul']]) {
  const g = new QOperator();
  const y = g.result(op, [...g.with(g.quantize('x', 2 / 127, 128)),
    ...g.with(g.quantize('z', 1 / 100, 100))], 0.03, 128);
  g.dequantize(`qlinear_${name}`, y, 4, 0.03, { inputs: { x: image, z: [1, 4, 7, 6] } });
}
{
  const g = new QOperator();
  const c = g.bytes(u8([1, 4, 1, 1]), 0.013, 130, 'uint8');
  g.dequantize('qlinear_add_constant', g.result('QLinearAdd',
    [...g.with(g.quantize('x', 2 / 127, 128)), ...g.with(c)], 0.03, 128), 4, 0.03);
}
for (const [name, op, attributes] of [['global_average_pool', 'QLinearGlobalAveragePool', {}],
  ['average_pool', 'QLinearAveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
  ['leaky_relu', 'QLinearLeakyRelu', { alpha: { float: 0.1 } }],
  ['sigmoid', 'QLinearSigmoid', {}]]) {
  const g = new QOperator();
  g.dequantize(`qlinear_${name}`,
    g.result(op, g.with(g.quantize('x', 4 / 127, 128)), 1 / 60, 100, { attributes }), 4, 1 / 60);
}
{
  const g = new QOperator();
  const x = g.with(g.quantize('x', 2 / 127, 128));
  const z = g.with(g.quantize('z', 1 / 100, 100));
  const [scale, zero] = g.scales(0.02, 120, 'uint8');
  g.nodes.push(node('QLinearConcat', [scale, zero, ...x, ...z], ['joined'], { axis: 1 },
    microsoft));
  g.tensors.joined = [scale, zero];
  g.dequantize('qlinear_concat', 'joined', 4, 0.02, { inputs: { x: image, z: [1, 2, 7, 6] } });
}
{ // operators on bytes that move them; the padding is a byte
  const g = new QOperator();
  const w = g.bytes(s8([5, 4, 1, 1]), 0.01, 0, 'int8');
  const x = g.quantize('x', 2 / 127, 128);
  g.nodes.push(node('Pad', [x, g.constant(tensor('int64', [8], [0, 0, 1, 0, 0, 0, 0, 1])),
    g.constant(byte('uint8', 140))], ['padded']));
  g.nodes.push(node('MaxPool', ['padded'], ['pooled'], { kernel_shape: [2, 2] }));
  const y = g.result('QLinearConv', ['pooled', ...g.tensors[x], ...g.with(w)], 0.06, 128,
    { domain: '' });
  g.dequantize('qlinear_pad_pool', y, 4, 0.06);
}
{ // signed bytes throughout
  const g = new QOperator();
  const w = g.bytes(s8([4, 4, 3, 3]), channelScales(4), 0, 'int8');
  const x = g.quantize('x', 2 / 127, 0, 'int8');
  const c = g.result('QLinearConv', [...g.with(x), ...g.with(w)], 0.09, 0,
    { domain: '', type: 'int8', attributes: { pads: [1, 1, 1, 1] } });
  const a = g.result('QLinearAdd', [...g.with(c), ...g.with(x)], 0.1, -5, { type: 'int8' });
  g.dequantize('qlinear_residual_signed', a, 4, 0.1);
}
{ // bytes in, bytes out
  const g = new QOperator();
  const w = g.bytes(s8([5, 4, 1, 1]), 0.01, 0, 'int8');
  g.tensors.x = g.scales(2 / 127, 128, 'uint8');
  const y = g.result('QLinearConv', [...g.with('x'), ...g.with(w)], 0.06, 128, { domain: '' });
  g.nodes.at(-1).outputs[0] = 'y';
  cases.push({ name: 'qlinear_bytes_in_and_out', range: 2, step: 0.06, outputZeroPoint: 128,
    byteInput: { scale: Math.fround(2 / 127), zeroPoint: 128 },
    bytes: model({ inputs: { x: [image, 'uint8'] }, outputs: { y: any(4, 'uint8') },
      initializers: g.initializers, nodes: g.nodes }) });
}
