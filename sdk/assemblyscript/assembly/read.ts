import { ABSENT, host } from "./abi";
import { fail } from "./fail";
import { Address, parseAddress, parsePrefix, Prefix } from "./prefix";
import { quote } from "./text";

/** Takes most answers, so that the host is asked once. */
const buffer = memory.data(1024);

/** The answer of the host; null if there is none. */
function ask(key: string, listing: bool): string | null {
  const bytes = String.UTF8.encode(key);
  const at = changetype<usize>(bytes), size = bytes.byteLength;
  let into = buffer;
  let capacity = 1024;
  while (true) {
    const length = listing ? host.fact_keys(at, size, into, capacity) : host.fact(at, size, into, capacity);
    if (length == ABSENT) return null;
    if (length <= capacity) return String.UTF8.decodeUnsafe(into, length);
    into = changetype<usize>(new ArrayBuffer(length));
    capacity = length;
  }
}

/** Splits a list of items that are each ended by a NUL, from the place skip in each. */
function split(where: string, list: string, skip: i32): string[] {
  const items: string[] = [];
  let from = 0;
  for (let at = 0; at < list.length; at++) {
    if (list.charCodeAt(at) != 0) continue;
    items.push(list.substring(from + skip, at));
    from = at + 1;
  }
  if (from != list.length) fail(where + ": the last item of the list is not ended by a NUL byte");
  return items;
}

export function fact(key: string): string | null {
  return ask(key, false);
}

export function factKeys(prefix: string): string[] {
  const list = ask(prefix, true);
  return split("fact_keys " + prefix, list === null ? "" : list, prefix.length);
}

export function factBool(key: string): bool {
  const value = fact(key);
  if (value === null || value == "false") return false;
  if (value != "true") fail("fact " + key + ": " + quote(value) + ' is not a bool, want "true" or "false"');
  return true;
}

export function factAddress(key: string): Address | null {
  const value = fact(key);
  return value === null ? null : parseAddress("fact " + key, value);
}

export function factPrefixes(key: string): Prefix[] | null {
  const value = fact(key);
  if (value === null) return null;
  const where = "fact " + key, items = split(where, value, 0), all: Prefix[] = [];
  for (let i = 0; i < items.length; i++) all.push(parsePrefix(where, items[i]));
  return all;
}
