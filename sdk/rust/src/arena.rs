//! Memory that is never freed: an evaluation is short, and begins with the memory as it was
//! after the start.

use core::fmt::{self, Write};

/// Room for so many bytes, aligned for any entry.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn room(size: usize) -> &'static mut [u8] {
    // Of u64, because of the alignment.
    let words: std::boxed::Box<[u64]> = std::vec![0; (size + 7) / 8].into_boxed_slice();
    let words = std::boxed::Box::leak(words);
    // SAFETY: the bytes are those of the words, which nobody else has.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr() as *mut u8, size) }
}

#[cfg(target_arch = "wasm32")]
pub(crate) fn room(size: usize) -> &'static mut [u8] {
    use core::arch::wasm32;

    extern "C" {
        static __heap_base: u8;
    }
    static mut TOP: usize = 0;
    const PAGE: usize = 65536;

    // SAFETY: a module has one thread, and what is behind __heap_base is nobody else's.
    unsafe {
        if TOP == 0 {
            TOP = (&__heap_base as *const u8 as usize + 7) & !7;
        }
        let at = TOP;
        let end = wasm32::memory_size(0) * PAGE;
        if size > end - at && wasm32::memory_grow(0, (size - (end - at) + PAGE - 1) / PAGE) == usize::MAX {
            wasm32::unreachable(); // the host knows that it refused the memory
        }
        TOP = (at + size + 7) & !7;
        core::slice::from_raw_parts_mut(at as *mut u8, size)
    }
}

/// A value that stays.
pub(crate) fn keep<T>(value: T) -> &'static mut T {
    let at = room(core::mem::size_of::<T>()).as_mut_ptr() as *mut T;
    // SAFETY: the room is large enough, aligned to 8, and nobody else's.
    unsafe {
        at.write(value);
        &mut *at
    }
}

/// The text as one that stays, such as `text(format_args!("zone {}", zone))`.
pub fn text(arguments: fmt::Arguments) -> &'static str {
    if let Some(literal) = arguments.as_str() {
        return literal;
    }
    let mut length = Length(0);
    let _ = length.write_fmt(arguments); // it cannot fail but by an argument's fault
    let mut bytes = Bytes { to: room(length.0), used: 0 };
    let _ = bytes.write_fmt(arguments);
    let Bytes { to, used } = bytes;
    // SAFETY: it was written in whole texts.
    unsafe { core::str::from_utf8_unchecked(to.get_unchecked(..used)) }
}

/// The parts one behind the other, as a text that stays.
pub fn join(parts: &[&str]) -> &'static str {
    let mut bytes = Bytes { to: room(parts.iter().map(|part| part.len()).sum()), used: 0 };
    for part in parts {
        let _ = bytes.write_str(part); // the room is as large as all of them
    }
    // SAFETY: it was written in whole texts.
    unsafe { core::str::from_utf8_unchecked(bytes.to) }
}

struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0 += part.len();
        Ok(())
    }
}

struct Bytes {
    to: &'static mut [u8],
    used: usize,
}

impl Write for Bytes {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let to = self.to.get_mut(self.used..).ok_or(fmt::Error)?;
        for (to, from) in to.iter_mut().zip(part.bytes()) {
            *to = from;
        }
        self.used += part.len();
        Ok(())
    }
}

/// At most so many bytes of a text, cut between two characters.
pub(crate) fn clip(text: &str, mut size: usize) -> &str {
    if text.len() <= size {
        return text;
    }
    while !text.is_char_boundary(size) {
        size -= 1;
    }
    text.get(..size).unwrap_or(text)
}
