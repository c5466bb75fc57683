// Unit tests of the SDK and of the sample, in Node.js. The modules are those that make builds;
// the folder is in the variable OUT.

import assert from "node:assert/strict";
import test from "node:test";

import { list, run } from "../host.mjs";

const out = process.env.OUT ?? "built";
const sample = (facts, options) => run(`${out}/assemblyscript-sample.wasm`, facts, options);
const probe = (what, text, facts = {}) => run(`${out}/assemblyscript-probe.wasm`, { "config.do": what, "config.text": text, ...facts });

test("prefixes", () => {
  const good = ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8", "255.255.255.255/32", "1.20.100.0/24"];
  assert.deepEqual(probe("split", `,, ${good.join("\r\n\t")} `).calls, good.map((text) => `exclude ${text} because listed`));
  for (const text of ["10", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "010.0.0.0/8", "256.0.0.0/8", "10.0.0.0.0/8", "10..0.0/8", "10.0.0.0/8/8", "99999999999.0.0.0/8", "vpc", "é/8"]) {
    assert.equal(probe("split", text).error, `config text: "${text}" is not an IPv4 prefix, want one such as 10.0.0.0/8`);
  }
  assert.equal(probe("split", "10.0.0.1/8").error, 'config text: "10.0.0.1/8" has host bits set, write 10.0.0.0/8');
  assert.equal(probe("split", "10.1.2.3").error, 'config text: "10.1.2.3" has no length, write 10.1.2.3/32');
  assert.equal(probe("split", "fd00::/8").error, 'config text: "fd00::/8" is IPv6, only IPv4 is accepted');
});

test("facts", () => {
  const calls = probe("facts", "", { "snat.external": "true", "vpc.cidrs": list("10.0.0.0/16"), "pod.ip": "10.0.1.5" }).calls;
  assert.deepEqual(calls, ["log -1 external", "log -1 no list", "exclude 10.0.0.0/16 because vpc", "exclude 10.0.1.5/32 because pod"]);
  for (const [key, value, error] of [
    ["snat.external", "yes", '"yes" is not a bool, want "true" or "false"'],
    ["pod.ip", "fd00::1", '"fd00::1" is not an IPv4 address, want one such as 10.0.0.10'],
    ["vpc.cidrs", "10.0.0.0/16", "the last item of the list is not ended by a NUL byte"],
    ["vpc.cidrs", "\0", '"" is not an IPv4 prefix, want one such as 10.0.0.0/8'],
  ]) {
    assert.equal(probe("facts", "", { [key]: value }).error, `fact ${key}: ${error}`);
  }
  assert.deepEqual(probe("keys", "", { "pod.label.b": "2", "pod.label.a": "é", "pod.labels": "" }).calls, ["log 0 a=é", "log 0 b=2"]);
});

test("texts are UTF-8 at the border", () => {
  const text = 'a "b" \\ é€\u{1f600}';
  assert.deepEqual(probe("text", text).calls, [`log 1 ${text}`, `exclude 0.0.0.0/0 because ${text}`]);
  assert.equal(probe("text", "x" + "é".repeat(300)).calls[1], "exclude 0.0.0.0/0 because x" + "é".repeat(127));
  assert.equal(probe("fail", "no zone é").error, "no zone é");
  assert.deepEqual(probe("large", "", { large: "€".repeat(80000) }).calls, ["exclude 0.0.0.0/0 because " + "€".repeat(85)]);
});

test("entries", () => {
  assert.deepEqual(probe("twice").calls, ["exclude 10.0.0.0/8 because first"]);
  assert.equal(probe("conflict").error, "decision: 10.0.0.0/8 is given as exclude and as translate, want one outcome");
  assert.equal(probe("host-bits").error, 'decision: "10.0.0.1/8" has host bits set, write 10.0.0.0/8');
  assert.equal(probe("most").calls.length, 10000);
  assert.equal(probe("more").error, "decision: more than 10000 prefixes");
  assert.deepEqual(probe("source", "10.0.0.11").calls, ["exclude 10.0.0.0/8 because kept", "translate 0.0.0.0/0 to 10.0.0.11 because source"]);
});

test("an abort is an error with its place", () => {
  assert.match(probe("panic").error, /^panic: on purpose \(examples\/probe\.ts:\d+\)$/);
});

test("the sample", () => {
  const config = { "config.partners": "10.1.0.0/16, 192.168.0.0/24" };
  assert.equal(sample(config).status, 1);
  assert.deepEqual(sample({ ...config, "pod.label.egress": "own" }).calls, ["exclude 10.1.0.0/16 because partners", "exclude 192.168.0.0/24 because partners"]);
  assert.deepEqual(sample({ "pod.label.egress": "node", "vpc.cidrs": list("10.0.0.0/16") }).calls, ["log 0 hidden", "exclude 10.0.0.0/16 because vpc.cidrs", "translate 0.0.0.0/0 to primary because hidden"]);
  assert.equal(sample({ "pod.label.egress": "mine" }).error, 'label egress: "mine", want own or node');
  const validate = { validate: true };
  assert.equal(sample(config, validate).error, null);
  assert.equal(sample({}, validate).error, "config partners: missing");
  assert.equal(sample({ ...config, "config.partner": "" }, validate).error, 'config "partner" is not a setting, want partners');
});
