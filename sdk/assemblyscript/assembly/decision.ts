import { host, LEVEL_DEBUG, LEVEL_ERROR, LEVEL_INFO, LEVEL_WARN, MAX_MESSAGE, MAX_PREFIXES, MAX_REASON } from "./abi";
import { Address, Prefix } from "./prefix";
import { decimal, encode } from "./text";

/** How much a log line matters. */
export enum Level {
  Debug = LEVEL_DEBUG,
  Info = LEVEL_INFO,
  Warn = LEVEL_WARN,
  Error = LEVEL_ERROR,
}

/** What happens to the pod's address towards one destination prefix. */
class Entry {
  next: Entry | null = null; // in the order of the calls
  sibling: Entry | null = null; // with the same hash

  constructor(
    public prefix: Prefix,
    public translate: bool,
    public source: string, // empty: the node's primary address
    public why: string,
  ) {}

  outcome(): string {
    if (!this.translate) return "exclude";
    return this.source.length == 0 ? "translate" : "translate to " + this.source;
  }

  send(): void {
    const cidr = memory.data(24), why = reason(this.why), whyAt = changetype<usize>(why);
    const prefix = this.prefix, size = <i32>(write(cidr, prefix.address, prefix.bits) - cidr);
    if (!this.translate) {
      host.exclude(cidr, size, whyAt, why.byteLength);
      return;
    }
    const source = String.UTF8.encode(this.source);
    host.translate(cidr, size, changetype<usize>(source), source.byteLength, whyAt, why.byteLength);
  }
}

let lastWhy: string = "";
let lastReason: ArrayBuffer = new ArrayBuffer(0);

/** The bytes of a reason, which entries often share. */
function reason(why: string): ArrayBuffer {
  if (why != lastWhy) {
    lastWhy = why;
    lastReason = encode(why, MAX_REASON);
  }
  return lastReason;
}

/**
 * Writes a prefix and returns the place behind it. A decision may have thousands, and the host
 * counts function calls: so not by texts.
 */
function write(at: usize, address: u32, bits: u32): usize {
  for (let shift = 24; shift >= -8; shift -= 8) {
    const number = shift < 0 ? bits : (address >> shift) & 255;
    if (number >= 100) store<u8>(at++, 48 + number / 100);
    if (number >= 10) store<u8>(at++, 48 + ((number / 10) % 10));
    store<u8>(at++, 48 + (number % 10));
    if (shift >= 0) store<u8>(at++, shift == 0 ? 0x2f : 0x2e);
  }
  return at;
}

/**
 * Collects a policy's answer for one subject. The longest prefix that covers a destination
 * decides, the order of the calls does not matter. A prefix that is given again with the same
 * outcome is ignored. A prefix that cannot be one, or that already has another outcome, makes
 * the whole decision an error.
 */
export class Decision {
  private first: Entry | null = null;
  private last: Entry | null = null;
  private buckets: StaticArray<Entry | null> = new StaticArray<Entry | null>(1024);
  private count: i32 = 0;
  /** The error of the first call that was wrong; empty if there is none. */
  problem: string = "";

  /** Keeps the pod's address towards a prefix. */
  exclude(prefix: Prefix, why: string): void {
    this.add(new Entry(prefix, false, "", why));
  }

  /** Replaces the pod's address by the node's primary one. The operator must have granted it. */
  translate(prefix: Prefix, why: string): void {
    this.add(new Entry(prefix, true, "", why));
  }

  /**
   * Replaces the pod's address by another one of the node's. The operator must have granted that
   * address, and the node's primary interface must hold it.
   */
  translateTo(prefix: Prefix, source: Address, why: string): void {
    this.add(new Entry(prefix, true, source.toString(), why));
  }

  /**
   * Adds a line to the daemon's log. Lines belong to an evaluation: where a remembered decision
   * is reused, nothing is logged again.
   */
  log(level: Level, line: string): void {
    const bytes = encode(line, MAX_MESSAGE);
    host.log(level, changetype<usize>(bytes), bytes.byteLength);
  }

  /** Whether the policy has an opinion. */
  get decided(): bool {
    return this.first !== null;
  }

  /** Sends the entries to the host. */
  send(): void {
    let e = this.first;
    while (e !== null) {
      e.send();
      e = e.next;
    }
  }

  private add(entry: Entry): void {
    if (this.problem.length == 0) {
      const problem = this.tryAdd(entry);
      if (problem.length > 0) this.problem = "decision: " + problem;
    }
  }

  private tryAdd(entry: Entry): string {
    const prefix = entry.prefix, problem = prefix.problem();
    if (problem.length > 0) return problem;
    const bucket = ((prefix.address + prefix.bits) * 0x9e3779b1) >> 22;
    let e = this.buckets[bucket];
    while (e !== null && (e.prefix.address != prefix.address || e.prefix.bits != prefix.bits)) e = e.sibling;
    if (e !== null) {
      const first = e.outcome(), second = entry.outcome();
      if (first == second) return "";
      return prefix.toString() + " is given as " + first + " and as " + second + ", want one outcome";
    }
    if (this.count++ == MAX_PREFIXES) return "more than " + decimal(MAX_PREFIXES) + " prefixes";
    entry.sibling = this.buckets[bucket];
    this.buckets[bucket] = entry;
    const last = this.last;
    if (last === null) this.first = entry;
    else last.next = entry;
    this.last = entry;
    return "";
  }
}
