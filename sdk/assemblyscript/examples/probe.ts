/**
 * The other policy that every SDK has: its setting "do" says which part of an SDK it uses, or in
 * which way it goes wrong.
 */
import { Decision, Facts, fail, Level, parseAddress, parsePrefixes, Prefix, quote, run } from "../assembly";

function policy(facts: Facts, decision: Decision): void {
  const what = orEmpty(facts.config("do")), text = orEmpty(facts.config("text"));
  const ten = new Prefix(0x0a000000, 8);
  if (what == "nothing") {
    return;
  } else if (what == "facts") {
    types(facts, decision);
  } else if (what == "keys") {
    const keys = facts.podLabelKeys();
    for (let i = 0; i < keys.length; i++) decision.log(Level.Info, keys[i] + "=" + orEmpty(facts.podLabel(keys[i])));
  } else if (what == "source") {
    const source = parseAddress("config text", text);
    decision.exclude(ten, "kept");
    decision.translateTo(Prefix.everywhere(), source, "source");
  } else if (what == "split") {
    exclude(decision, parsePrefixes("config text", text), "listed");
  } else if (what == "text") {
    decision.exclude(Prefix.everywhere(), text);
    decision.log(Level.Warn, text);
  } else if (what == "large") {
    decision.exclude(Prefix.everywhere(), orEmpty(facts.fact("large")));
  } else if (what == "levels") {
    decision.log(Level.Debug, "debug");
    decision.log(Level.Info, "info");
    decision.log(Level.Warn, "warn");
    decision.log(Level.Error, "error");
  } else if (what == "most") {
    many(decision, 10000);
  } else if (what == "more") {
    many(decision, 10001);
  } else if (what == "twice") {
    decision.exclude(ten, "first");
    decision.exclude(ten, "second");
  } else if (what == "conflict") {
    decision.exclude(ten, "first");
    decision.translate(ten, "second");
  } else if (what == "host-bits") {
    decision.exclude(new Prefix(0x0a000001, 8), "wrong");
  } else if (what == "panic") {
    throw new Error("on purpose");
  } else if (what == "memory") {
    while (true) new ArrayBuffer(1 << 20);
  } else if (what == "fail") {
    fail(text);
  } else {
    fail("config do: " + quote(what) + " is unknown");
  }
}

/** Reads a fact of each type. */
function types(facts: Facts, decision: Decision): void {
  if (facts.snatExternal()) decision.log(Level.Debug, "external");
  exclude(decision, facts.vpcCidrs(), "vpc");
  const list = facts.vpcPrefixlist("partners");
  if (list === null) decision.log(Level.Debug, "no list");
  exclude(decision, list, "listed");
  const address = facts.podIp();
  if (address !== null) decision.exclude(new Prefix(address.value, 32), "pod");
}

function many(decision: Decision, count: i32): void {
  for (let i = 0; i < count; i++) decision.exclude(new Prefix(0x0a000000 | (i << 8), 24), "many");
}

function exclude(decision: Decision, list: Prefix[] | null, why: string): void {
  if (list === null) return;
  for (let i = 0; i < list.length; i++) decision.exclude(list[i], why);
}

function orEmpty(text: string | null): string {
  return text === null ? "" : text;
}

export function decide(): i32 {
  return run(policy);
}
