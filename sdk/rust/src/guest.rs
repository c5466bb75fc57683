//! The module's side of the border.

use crate::arena::{clip, room};
use crate::{abi, error, run, Check, Error, Facts, Level, Policy, Source};

/// The host as a source of facts.
struct Host;

impl Source for Host {
    fn fact(&self, key: &str) -> Option<&'static str> {
        read(abi::fact, "fact", key)
    }

    fn fact_keys(&self, prefix: &str) -> &'static str {
        read(abi::fact_keys, "fact_keys", prefix).unwrap_or("")
    }
}

type Call = unsafe extern "C" fn(*const u8, usize, *mut u8, usize) -> i32;

/// Asks for the length, and then for the value.
fn read(call: Call, name: &str, key: &str) -> Option<&'static str> {
    // SAFETY: the host writes at most as many bytes as it is given.
    let length = unsafe { call(key.as_ptr(), key.len(), core::ptr::null_mut(), 0) };
    if length == abi::ABSENT {
        return None;
    }
    let value = room(length as usize);
    unsafe { call(key.as_ptr(), key.len(), value.as_mut_ptr(), value.len()) };
    match core::str::from_utf8(value) {
        Ok(text) => Some(text),
        Err(_) => fail(error!("{} {}: the value is not valid UTF-8", name, key)),
    }
}

pub(crate) fn log(level: Level, line: &str) {
    // SAFETY: the host reads the line.
    unsafe { abi::log(level as i32, line.as_ptr(), line.len()) }
}

fn fail(error: Error) -> ! {
    let text = clip(error.text(), abi::MAX_MESSAGE);
    // SAFETY: the host reads the text, and does not return.
    unsafe { abi::fail(text.as_ptr(), text.len()) };
    core::arch::wasm32::unreachable()
}

#[doc(hidden)]
pub fn export_decide(policy: Policy) -> i32 {
    let decision = match run(policy, &Host) {
        Ok(decision) => decision,
        Err(err) => fail(err),
    };
    let mut status = abi::NO_OPINION;
    for entry in decision.entries() {
        status = abi::DECIDED;
        let mut buffer = [0; 18];
        let cidr = entry.prefix.write(&mut buffer);
        let source = match entry.source {
            None => "",
            Some(source) => crate::text(format_args!("{}", source)),
        };
        // SAFETY: the host reads the texts.
        unsafe {
            if entry.translate {
                abi::translate(cidr.as_ptr(), cidr.len(), source.as_ptr(), source.len(), entry.why.as_ptr(), entry.why.len());
            } else {
                abi::exclude(cidr.as_ptr(), cidr.len(), entry.why.as_ptr(), entry.why.len());
            }
        }
    }
    status
}

#[doc(hidden)]
pub fn export_check(check: Check) -> i32 {
    match check(&Facts::new(&Host)) {
        Ok(()) => 0,
        Err(err) => fail(err),
    }
}

/// A panic is an error with its place in the source, and not a trap that says nothing.
#[cfg(feature = "panic")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    let place = match info.location() {
        None => "",
        Some(place) => crate::text(format_args!(" ({}:{})", place.file(), place.line())),
    };
    fail(error!("panic: {}{}", message(crate::text(format_args!("{}", info))), place))
}

/// What was panicked with. The compiler's versions put the place before it or behind it, and
/// the plain way to the message came later than this crate's oldest compiler.
#[cfg(feature = "panic")]
fn message(text: &'static str) -> &'static str {
    let bytes = text.as_bytes();
    let (from, to) = match bytes.strip_prefix(b"panicked at '") {
        Some(rest) => (bytes.len() - rest.len(), bytes.windows(3).rposition(|part| part == b"', ")),
        None => (bytes.windows(2).position(|part| part == b":\n").map_or(0, |at| at + 2), None),
    };
    text.get(from..to.unwrap_or(text.len())).unwrap_or(text)
}
