import { fail } from "./fail";
import { decimal, quote } from "./text";

/** An IPv4 address. */
export class Address {
  /** 10.0.0.1 is 0x0a000001. */
  constructor(public value: u32) {}

  toString(): string {
    const v = this.value;
    return decimal(v >> 24) + "." + decimal((v >> 16) & 255) + "." + decimal((v >> 8) & 255) + "." + decimal(v & 255);
  }
}

/** An IPv4 prefix. One with host bits can be made, but makes a decision an error. */
export class Prefix {
  constructor(public address: u32, public bits: u32) {}

  /** 0.0.0.0/0, every destination. */
  static everywhere(): Prefix {
    return new Prefix(0, 0);
  }

  toString(): string {
    return new Address(this.address).toString() + "/" + decimal(this.bits);
  }

  /** What keeps the prefix from being a destination; empty if nothing does. */
  problem(): string {
    const bits = this.bits;
    if (bits > 32) return '"' + this.toString() + '" is not an IPv4 prefix, want one such as 10.0.0.0/8';
    const masked = bits == 0 ? 0 : this.address & (0xffffffff << (32 - bits));
    if (masked == this.address) return "";
    return '"' + this.toString() + '" has host bits set, write ' + new Prefix(masked, bits).toString();
  }
}

/** Parses an IPv4 address such as 10.0.0.10; an error begins with where. */
export function parseAddress(where: string, text: string): Address {
  const value = scan(text, 4);
  if (value < 0) fail(where + ": " + quote(text) + " is not an IPv4 address, want one such as 10.0.0.10");
  return new Address(<u32>value);
}

/** Parses an IPv4 prefix such as 10.0.0.0/8, without host bits; an error begins with where. */
export function parsePrefix(where: string, text: string): Prefix {
  const value = scan(text, 5);
  if (value < 0) {
    let problem = " is not an IPv4 prefix, want one such as 10.0.0.0/8";
    if (scan(text, 4) >= 0) problem = " has no length, write " + text + "/32";
    else if (has(text, 0x3a) && has(text, 0x2f)) problem = " is IPv6, only IPv4 is accepted";
    fail(where + ": " + quote(text) + problem);
  }
  const prefix = new Prefix(<u32>(value >> 8), <u32>(value & 255));
  const problem = prefix.problem();
  if (problem.length > 0) fail(where + ": " + problem);
  return prefix;
}

/**
 * The prefixes of a text that a person wrote: separated by commas, white space or both. A text
 * without any, or none, gives none. Errors begin with where.
 */
export function parsePrefixes(where: string, text: string | null): Prefix[] {
  const all: Prefix[] = [];
  if (text === null) return all;
  for (let from = 0, at = 0; at <= text.length; at++) {
    if (at < text.length && !separates(text.charCodeAt(at))) continue;
    if (at > from) all.push(parsePrefix(where, text.substring(from, at)));
    from = at + 1;
  }
  return all;
}

function separates(c: i32): bool {
  return c == 0x2c || c == 0x20 || c == 0x09 || c == 0x0d || c == 0x0a;
}

function has(text: string, c: i32): bool {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) == c) return true;
  return false;
}

/** Reads 4 numbers of an address, or 5 of a prefix; -1 if they are not there. */
function scan(text: string, numbers: i32): i64 {
  let value: i64 = 0;
  let at = 0, i = 0;
  while (true) {
    i++;
    let number = 0;
    const from = at;
    for (; at < text.length && at - from < 4; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (<u32>digit > 9) break;
      number = number * 10 + digit;
    }
    const digits = at - from;
    if (digits == 0 || digits > 3 || (digits > 1 && text.charCodeAt(from) == 48) || number > (i == 5 ? 32 : 255)) return -1;
    value = (value << 8) | number;
    if (i == numbers) return at == text.length ? value : -1;
    if (at == text.length || text.charCodeAt(at++) != (i == 4 ? 0x2f : 0x2e)) return -1;
  }
}
