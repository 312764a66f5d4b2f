// Makes the ONNX test models, and runs them in ONNX Runtime for the outputs that octet is compared
// with. Needs onnxruntime-node, installed anywhere:
//   npm install --prefix FOLDER onnxruntime-node
//   node tests/onnx/make_golden.mjs FOLDER
// Writes tests/onnx/models/*.onnx and tests/onnx/golden.json. With onnx/ in the folder that
// OCTET_SHARED_DATA names (by default shared/data beside the project; docs/data.md) it writes
// tests/onnx/detectors.json as well: every 97th output value of each detector.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { cases as floatCases } from './float_cases.mjs';
import { cases as quantizedCases } from './quantized_cases.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.resolve(process.argv[2] ?? '.', 'node_modules/x.js'));
const ort = require('onnxruntime-node');

// Gives the same numbers as golden_test.cc: the upper 24 bits of a linear congruential generator.
export function makeRandom() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 8388608 - 1;
  };
}

const sessionOptions = (level) => ({
  graphOptimizationLevel: level, intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });

async function run(modelBytes, range, level = 'basic') {
  const session = await ort.InferenceSession.create(modelBytes, sessionOptions(level));
  const random = makeRandom();
  const feeds = {};
  for (const input of session.inputMetadata) {
    const dims = input.shape.map((extent) => (typeof extent === 'number' ? extent : 1));
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, () => Math.fround(random() * range));
    const quantized = input.type === 'uint8' || input.type === 'int8';
    if (!quantized) {
      feeds[input.name] = new ort.Tensor('float32', values, dims);
    } else {
      const { scale, zeroPoint } = run.byteInput;
      const bytes = Array.from(values, (v) => Math.max(input.type === 'int8' ? -128 : 0,
        Math.min(input.type === 'int8' ? 127 : 255, Math.round(v / scale) + zeroPoint)));
      feeds[input.name] = new ort.Tensor(input.type,
        (input.type === 'int8' ? Int8Array : Uint8Array).from(bytes), dims);
    }
  }
  const results = await session.run(feeds);
  return {
    inputs: session.inputNames.map((name) => [...feeds[name].dims]),
    outputs: session.outputNames.map((name) => ({
      name, shape: [...results[name].dims], type: results[name].type,
      values: Array.from(results[name].data, Number) })),
  };
}

const packed = (values) => Buffer.from(Float32Array.from(values).buffer).toString('base64');

const models = path.join(here, 'models');
fs.rmSync(models, { recursive: true, force: true });
fs.mkdirSync(models);
const golden = [];
for (const one of [...floatCases, ...quantizedCases]) {
  fs.writeFileSync(path.join(models, `${one.name}.onnx`), one.bytes);
  run.byteInput = one.byteInput;
  let result;
  try {
    result = await run(one.bytes, one.range, one.level);
  } catch (error) {
    console.error(`${one.name}: ${error.message}`);
    process.exitCode = 1;
    continue;
  }
  const entry = { name: one.name, range: one.range };
  if (one.step) Object.assign(entry, { step: one.step, float_nodes: one.floatNodes ?? 0 });
  entry.inputs = result.inputs;
  entry.outputs = result.outputs.map(({ name, shape, type, values }) => {
    // Bytes are compared as the reals that they stand for.
    const real = type === 'uint8' || type === 'int8'
      ? values.map((q) => (q - one.outputZeroPoint) * one.step) : values;
    return { name, shape, values: packed(real) };
  });
  golden.push(entry);
}
fs.writeFileSync(path.join(here, 'golden.json'), `${JSON.stringify(golden, null, 1)}\n`);
console.log(`${golden.length} models`);

const shared = path.join(
  process.env.OCTET_SHARED_DATA || path.join(here, '../../../shared/data'), 'onnx');
if (fs.existsSync(shared)) {
  const detectors = [];
  for (const name of fs.readdirSync(shared).filter((file) => file.endsWith('.onnx')).sort()) {
    const { inputs, outputs } = await run(fs.readFileSync(path.join(shared, name)), 1, 'all');
    detectors.push({ name, inputs, outputs: outputs.map((o) => ({
      name: o.name, shape: o.shape, values: packed(o.values.filter((_, i) => i % 97 === 0)) })) });
  }
  fs.writeFileSync(path.join(here, 'detectors.json'), `${JSON.stringify(detectors, null, 1)}\n`);
} else {
  console.log(`skipped: no ${shared} (OCTET_SHARED_DATA names the folder; tests/data/fetch.py ` +
              'fetches it), so detectors.json stays as it is');
}
