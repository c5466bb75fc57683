/** The bytes of a text in UTF-8, at most size of them, cut between two characters. */
export function encode(text: string, size: i32): ArrayBuffer {
  const bytes = String.UTF8.encode(text);
  if (bytes.byteLength <= size) return bytes;
  const at = changetype<usize>(bytes);
  while ((load<u8>(at + size) & 0xc0) == 0x80) size--;
  return bytes.slice(0, size);
}

/** The text in quotation marks, for messages. */
export function quote(text: string): string {
  let quoted = '"';
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    quoted += c == '"' || c == "\\" ? "\\" + c : c;
  }
  return quoted + '"';
}

/** A number in decimal, without what the standard library has for all sizes of numbers. */
export function decimal(n: u32): string {
  return (n < 10 ? "" : decimal(n / 10)) + String.fromCharCode(48 + (n % 10));
}
