import { host, MAX_MESSAGE } from "./abi";
import { decimal, encode } from "./text";

/** Ends the evaluation with an error for the operator: it does not return. */
export function fail(text: string): void {
  const bytes = encode(text, MAX_MESSAGE);
  host.fail(changetype<usize>(bytes), bytes.byteLength);
  unreachable();
}

/**
 * What a throw and a failed check of the runtime call instead of a trap that says nothing. The
 * compiler is told so by --use abort=.
 */
export function abort(message: string | null, file: string | null, line: u32, _column: u32): void {
  let text = "panic: " + (message === null ? "abort" : message);
  if (file !== null) text += " (" + file + ":" + decimal(line) + ")";
  fail(text);
}
