// A host for unit tests of modules, in Node.js: it runs a module on facts and says what it did.
// It checks less than a daemon does; sdk/tck has the whole.

import { readFileSync } from "node:fs";

const utf8 = new TextEncoder(), text = new TextDecoder();

/** The value of a fact that is a list. */
export const list = (...items) => items.map((item) => item + "\0").join("");

/**
 * Runs one export of a module, decide unless validate is wanted, in a new instance.
 * Returns {status, calls, error}: calls are what the module answered and logged, in their order,
 * and error is the text of fail, or null.
 */
export function run(file, facts, { validate = false } = {}) {
  const calls = [];
  let memory;
  const failed = new Error();
  const bytes = (at, size) => new Uint8Array(memory.buffer, at, size);
  const read = (at, size) => text.decode(bytes(at, size).slice());
  const answer = (value, at, capacity) => {
    const encoded = utf8.encode(value);
    if (encoded.length <= capacity) bytes(at, encoded.length).set(encoded);
    return encoded.length;
  };
  const snat_v1 = {
    fact: (key, size, at, capacity) => {
      const value = facts[read(key, size)];
      return value === undefined ? -1 : answer(value, at, capacity);
    },
    fact_keys: (prefix, size, at, capacity) => {
      const beginning = read(prefix, size);
      return answer(list(...Object.keys(facts).filter((key) => key.startsWith(beginning)).sort()), at, capacity);
    },
    exclude: (cidr, cidrSize, why, whySize) => {
      calls.push(`exclude ${read(cidr, cidrSize)} because ${read(why, whySize)}`);
    },
    translate: (cidr, cidrSize, source, sourceSize, why, whySize) => {
      calls.push(`translate ${read(cidr, cidrSize)} to ${read(source, sourceSize) || "primary"} because ${read(why, whySize)}`);
    },
    log: (level, at, size) => {
      calls.push(`log ${level} ${read(at, size)}`);
    },
    fail: (at, size) => {
      failed.message = read(at, size);
      throw failed;
    },
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { snat_v1 });
  memory = instance.exports.memory;
  try {
    instance.exports._initialize?.();
    const status = validate ? instance.exports.validate?.() ?? 0 : instance.exports.decide();
    return { status, calls, error: null };
  } catch (error) {
    if (error !== failed) throw error;
    return { status: null, calls, error: failed.message };
  }
}
