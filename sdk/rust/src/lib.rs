//! What authors of snatd policies use: the facts about a pod, the decision about its
//! traffic, and the way both cross the border of a WebAssembly module.
//!
//! A policy is a plain function. It runs in a module by [`policy!`], and natively, in a
//! unit test, by [`run`] with a [`Map`] of facts.
//!
//! ```
//! use snatd::{prefixes, run, Decision, Error, Facts, Map};
//!
//! fn decide(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
//!     let partners = prefixes(facts.config("partners").unwrap_or(""))?;
//!     for prefix in partners {
//!         decision.exclude(prefix, "partner network");
//!     }
//!     Ok(())
//! }
//!
//! let facts = Map::from([("config.partners", "10.20.0.0/16, 192.168.7.0/24")]);
//! let decision = run(decide, &facts).unwrap();
//! assert_eq!(decision.entries().next().unwrap().prefix.to_string(), "10.20.0.0/16");
//! ```
//!
//! Texts live as long as the evaluation, so they are `&'static str`: every evaluation begins
//! with the memory as it was after the start, and nothing is freed before. In a module the
//! crate uses neither `std` nor `alloc`.

#![no_std]

#[cfg(not(target_arch = "wasm32"))]
extern crate std;

pub mod abi;
mod arena;
mod decision;
mod error;
mod facts;
#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(not(target_arch = "wasm32"))]
mod map;
mod prefix;
mod read;
mod run;

pub use arena::{join, text};
pub use decision::{Decision, Entries, Entry, Level};
#[cfg(not(target_arch = "wasm32"))]
pub use decision::Line;
pub use error::Error;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use guest::{export_check, export_decide};
#[cfg(not(target_arch = "wasm32"))]
pub use map::Map;
pub use prefix::{parse_address, parse_prefix, prefixes, Address, Prefix, Prefixes, EVERYWHERE};
pub use read::{Facts, Keys, Source};
pub use run::run;

/// A policy: it reads facts and calls the methods of the decision. Without any entry it has
/// no opinion; after an error the host keeps its last good decision.
pub type Policy = fn(&Facts, &mut Decision) -> Result<(), Error>;

/// Checks the configuration when the module is loaded; only the facts `config.*` exist then.
pub type Check = fn(&Facts) -> Result<(), Error>;

/// Makes a policy the one that this module exports: `policy!(decide)`, or with a check of
/// the configuration, `policy!(decide, validate)`. Natively it does nothing but see that they fit.
#[macro_export]
macro_rules! policy {
    ($decide:expr) => {
        $crate::policy!($decide, |_: &$crate::Facts| Ok(()));
    };
    ($decide:expr, $validate:expr) => {
        #[cfg(target_arch = "wasm32")]
        #[export_name = "decide"]
        pub extern "C" fn snat_export_decide() -> i32 {
            $crate::export_decide($decide)
        }

        #[cfg(target_arch = "wasm32")]
        #[export_name = "validate"]
        pub extern "C" fn snat_export_validate() -> i32 {
            $crate::export_check($validate)
        }

        #[cfg(not(target_arch = "wasm32"))]
        const _: ($crate::Policy, $crate::Check) = ($decide, $validate);
    };
}

/// An [`Error`] with a text as of `format!`.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => {
        $crate::Error::new($crate::text(format_args!($($arg)*)))
    };
}
