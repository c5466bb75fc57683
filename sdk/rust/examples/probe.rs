//! The other policy that every SDK has: its setting "do" says which part of an SDK it uses, or
//! in which way it goes wrong.

#![cfg_attr(target_arch = "wasm32", no_std)]

use snatd::{error, join, parse_address, policy, prefixes, Address, Decision, Error, Facts, Level, Prefix, Prefixes, EVERYWHERE};

const TEN: Prefix = Prefix::new(Address::new(10, 0, 0, 0), 8);

fn decide(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
    let what = facts.config("do").unwrap_or("");
    let text = facts.config("text").unwrap_or("");
    let config = |err: Error| err.at("config text");
    match what {
        "nothing" => {}
        "facts" => types(facts, decision)?,
        "keys" => {
            for key in facts.pod_label_keys() {
                decision.log(Level::Info, join(&[key, "=", facts.pod_label(key).unwrap_or("")]));
            }
        }
        "source" => {
            let source = parse_address(text).map_err(config)?;
            decision.exclude(TEN, "kept");
            decision.translate_to(EVERYWHERE, source, "source");
        }
        "split" => exclude(decision, prefixes(text).map_err(config)?, "listed"),
        "text" => {
            decision.exclude(EVERYWHERE, text);
            decision.log(Level::Warn, text);
        }
        "large" => decision.exclude(EVERYWHERE, facts.fact("large").unwrap_or("")),
        "levels" => {
            decision.log(Level::Debug, "debug");
            decision.log(Level::Info, "info");
            decision.log(Level::Warn, "warn");
            decision.log(Level::Error, "error");
        }
        "most" => many(decision, 10_000),
        "more" => many(decision, 10_001),
        "twice" => {
            decision.exclude(TEN, "first");
            decision.exclude(TEN, "second");
        }
        "conflict" => {
            decision.exclude(TEN, "first");
            decision.translate(TEN, "second");
        }
        "host-bits" => decision.exclude(Prefix::new(Address::new(10, 0, 0, 1), 8), "wrong"),
        "panic" => panic!("on purpose"),
        "memory" => {
            let mut all = "x";
            loop {
                all = join(&[all, all]);
            }
        }
        "fail" => return Err(Error::new(text)),
        other => return Err(error!("config do: \"{}\" is unknown", other)),
    }
    Ok(())
}

/// Reads a fact of each type.
fn types(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
    if facts.snat_external()? {
        decision.log(Level::Debug, "external");
    }
    if let Some(cidrs) = facts.vpc_cidrs()? {
        exclude(decision, cidrs, "vpc");
    }
    match facts.vpc_prefixlist("partners")? {
        None => decision.log(Level::Debug, "no list"),
        Some(list) => exclude(decision, list, "listed"),
    }
    if let Some(address) = facts.pod_ip()? {
        decision.exclude(Prefix::new(address, 32), "pod");
    }
    Ok(())
}

fn many(decision: &mut Decision, count: u32) {
    for i in 0..count {
        decision.exclude(Prefix::new(Address(10 << 24 | i << 8), 24), "many");
    }
}

fn exclude(decision: &mut Decision, list: Prefixes, why: &'static str) {
    for prefix in list {
        decision.exclude(prefix, why);
    }
}

policy!(decide);
