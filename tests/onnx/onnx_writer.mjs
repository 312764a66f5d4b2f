// Writes ONNX models in protobuf's wire format for the test models. It needs no library, and can
// write every encoding of onnx.proto.

const utf8 = new TextEncoder();

function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes = [];
  while (rest >= 128n) {
    bytes.push(Number((rest & 127n) | 128n));
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

const concat = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const delimited = (field, bytes) =>
  [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const number = (field, value) => [...varint(field << 3), ...varint(value)];
const text = (field, value) => delimited(field, utf8.encode(value));
const float32 = (field, value) => [
  ...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)];

export const types = {
  float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, double: 11,
};
const arrays = {
  1: Float32Array, 2: Uint8Array, 3: Int8Array, 6: Int32Array, 9: Uint8Array, 11: Float64Array,
};

function rawBytes(type, values) {
  if (type === types.int64) {
    return new Uint8Array(BigInt64Array.from(values, (v) => BigInt(v)).buffer);
  }
  if (type === types.float16) return new Uint8Array(Uint16Array.from(values, halfBits).buffer);
  return new Uint8Array(arrays[type].from(values).buffer);
}

// The bits of a number as a float16, rounded towards 0. The float16 has to be a normal number or 0.
export function halfBits(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  if (value === 0) return bits >>> 16;
  return ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 0xff) - 112) << 10) |
    ((bits >>> 13) & 0x3ff);
}

// Takes {type, dims, values, encoding}: 'raw' (default), 'typed' (packed), or 'unpacked'.
export function tensor(type, dims, values, encoding = 'raw') {
  return { type: types[type], dims, values: [...values], encoding };
}

function tensorBytes(name, { type, dims, values, encoding }) {
  const parts = [...dims.map((extent) => number(1, extent)), number(2, type)];
  if (name) parts.push(text(8, name));
  if (encoding === 'external') {
    parts.push(number(14, 1));
  } else if (encoding === 'raw') {
    parts.push(delimited(9, rawBytes(type, values)));
  } else {
    const field = { 1: 4, 7: 7, 11: 10 }[type] ?? 5;
    const asStored = type === types.float16 ? values.map(halfBits) : values;
    if (encoding === 'typed') {
      const packed = type === types.float || type === types.double
        ? rawBytes(type, values) : asStored.flatMap((v) => varint(v));
      parts.push(delimited(field, packed));
    } else {
      for (const v of asStored) {
        parts.push(type === types.float ? float32(field, v) : number(field, v));
      }
    }
  }
  return concat(parts);
}

// Encodes an attribute by its type in JavaScript: whole numbers are ints, {float: x} is a float,
// arrays of whole numbers are ints, {floats: [...]} are floats; texts and tensors are what they
// are.
function attributeBytes(name, value) {
  const parts = [text(1, name)];
  if (typeof value === 'string') {
    parts.push(text(4, value), number(20, 3));
  } else if (typeof value === 'number') {
    parts.push(number(3, value), number(20, 2));
  } else if (Array.isArray(value)) {
    parts.push(...value.map((v) => number(8, v)), number(20, 7));
  } else if ('floats' in value) {
    parts.push(...value.floats.map((v) => float32(7, v)), number(20, 6));
  } else if ('float' in value) {
    parts.push(float32(2, value.float), number(20, 1));
  } else if ('graph' in value) {
    parts.push(delimited(6, text(2, 'inner')), number(20, 5));
  } else {
    parts.push(delimited(5, tensorBytes('', value)), number(20, 4));
  }
  return concat(parts);
}

// For example: node('Conv', ['x', 'w'], ['y'], {pads: [1, 1, 1, 1]})
export function node(op, inputs, outputs, attributes = {}, domain = '') {
  return { op, inputs, outputs, attributes, domain };
}

function nodeBytes({ op, inputs, outputs, attributes, domain, name }) {
  return concat([
    ...inputs.map((input) => text(1, input)), ...outputs.map((output) => text(2, output)),
    ...(name ? [text(3, name)] : []), text(4, op),
    ...Object.entries(attributes).map(([key, value]) => delimited(5, attributeBytes(key, value))),
    ...(domain ? [text(7, domain)] : []),
  ]);
}

function valueInfoBytes(name, dims, type = 'float') {
  const shape = concat(dims.map((extent) => delimited(1, typeof extent === 'string'
    ? text(2, extent) : number(1, extent))));
  const tensorType = concat([number(1, types[type]), delimited(2, shape)]);
  return concat([text(1, name), delimited(2, concat([delimited(1, tensorType)]))]);
}

// Takes {opset, inputs: {name: dims or [dims, type]}, outputs: {name: [dims, type]}, initializers,
// nodes}.
export function model({
  opset = 17, inputs, outputs, initializers = {}, nodes, initializersAreInputs = false,
  producer = 'octet tests',
}) {
  const info = (name, value) => valueInfoBytes(
    name,
    ...(Array.isArray(value[0]) || value.length === 0 ? (value.length ? value : [[]]) : [value]));
  const graph = concat([
    ...nodes.map((n) => delimited(1, nodeBytes(n))), text(2, 'test'),
    ...Object.entries(initializers).map(([name, t]) => delimited(5, tensorBytes(name, t))),
    ...Object.entries(inputs).map(([name, value]) => delimited(11, info(name, value))),
    ...(initializersAreInputs ? Object.entries(initializers).map(([name, t]) =>
      delimited(11,
        valueInfoBytes(name, t.dims, Object.keys(types).find((k) => types[k] === t.type)))) : []),
    ...Object.entries(outputs).map(([name, value]) => delimited(12, info(name, value))),
  ]);
  const domains = new Set(nodes.map((n) => n.domain).filter((d) => d));
  return concat([
    number(1, initializersAreInputs ? 3 : opset < 15 ? 7 : opset < 19 ? 8 : 10), text(2, producer),
    delimited(7, graph),
    delimited(8, concat([text(1, ''), number(2, opset)])),
    ...[...domains].map((domain) => delimited(8, concat([text(1, domain), number(2, 1)]))),
  ]);
}
