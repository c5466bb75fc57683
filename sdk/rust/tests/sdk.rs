//! Unit tests of the SDK and of the sample, on this machine.

use snatd::{abi, join, parse_address, parse_prefix, prefixes, run, Address, Decision, Error, Facts, Level, Map, Prefix, EVERYWHERE};

#[path = "../examples/sample.rs"]
mod sample;

const TEN: Prefix = Prefix::new(Address::new(10, 0, 0, 0), 8);

fn error<T>(result: Result<T, Error>) -> &'static str {
    result.err().map_or("", |err| err.text())
}

/// The decision as text, a line for each entry, or the error.
fn decided(policy: snatd::Policy, facts: &Map) -> String {
    match run(policy, facts) {
        Err(err) => format!("error {}", err),
        Ok(decision) => decision.entries().map(|e| format!("{} {} {:?} {}\n", e.prefix, e.translate, e.source, e.why)).collect(),
    }
}

#[test]
fn parses_prefixes() {
    for text in ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8", "255.255.255.255/32", "1.20.100.0/24"] {
        assert_eq!(parse_prefix(text).unwrap().to_string(), text);
    }
    for (text, want) in [
        ("10.0.0.1/8", "\"10.0.0.1/8\" has host bits set, write 10.0.0.0/8"),
        ("10.1.2.3", "\"10.1.2.3\" has no length, write 10.1.2.3/32"),
        ("fd00::/8", "\"fd00::/8\" is IPv6, only IPv4 is accepted"),
    ] {
        assert_eq!(error(parse_prefix(text)), want);
    }
    for text in ["", "10", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "010.0.0.0/8", "256.0.0.0/8", "10.0.0.0.0/8", "10..0.0/8", "10.0.0.0/8/8", "vpc"] {
        assert_eq!(error(parse_prefix(text)), format!("\"{}\" is not an IPv4 prefix, want one such as 10.0.0.0/8", text));
    }
    assert_eq!(error(parse_address("10.0.0")), "\"10.0.0\" is not an IPv4 address, want one such as 10.0.0.10");
    assert_eq!(parse_address("10.0.0.10").unwrap(), Address::new(10, 0, 0, 10));
}

#[test]
fn splits_lists() {
    let all: Vec<String> = prefixes(",, 10.0.0.0/8\r\n\t0.0.0.0/0 ").unwrap().map(|p| p.to_string()).collect();
    assert_eq!(all, ["10.0.0.0/8", "0.0.0.0/0"]);
    assert!(prefixes(" , ").unwrap().is_empty());
    assert_eq!(error(prefixes("10.0.0.0/8 x")), "\"x\" is not an IPv4 prefix, want one such as 10.0.0.0/8");
}

#[test]
fn decodes_facts() {
    let map = Map::from([
        ("snat.external", "yes"),
        ("pod.ip", "fd00::1"),
        ("vpc.cidrs", "10.0.0.0/16"),
        ("vpc.prefixlist.empty", ""),
        ("vpc.prefixlist.item", "\0"),
        ("pod.label.b", "2"),
        ("pod.label.a", "1"),
        ("pod.labels", ""),
    ]);
    let facts = Facts::new(&map);
    assert_eq!(error(facts.snat_external()), "fact snat.external: \"yes\" is not a bool, want \"true\" or \"false\"");
    assert_eq!(error(facts.pod_ip()), "fact pod.ip: \"fd00::1\" is not an IPv4 address, want one such as 10.0.0.10");
    assert_eq!(error(facts.vpc_cidrs()), "fact vpc.cidrs: the last item of the list is not ended by a NUL byte");
    assert_eq!(error(facts.vpc_prefixlist("item")), "fact vpc.prefixlist.item: \"\" is not an IPv4 prefix, want one such as 10.0.0.0/8");
    assert!(facts.vpc_prefixlist("empty").unwrap().unwrap().is_empty());
    assert!(facts.vpc_prefixlist("absent").unwrap().is_none());
    assert_eq!(facts.pod_label_keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(facts.pod_label("b"), Some("2"));
    assert_eq!(facts.pod_label("c"), None);
    assert_eq!(Facts::new(&Map::default()).snat_external(), Ok(false));
}

#[test]
fn collects_entries() {
    fn policy(_: &Facts, decision: &mut Decision) -> Result<(), Error> {
        decision.exclude(TEN, "inside");
        decision.translate(EVERYWHERE, "outside");
        decision.translate_to(Prefix::new(Address::new(192, 0, 2, 0), 24), Address::new(10, 0, 0, 99), "partner");
        decision.exclude(TEN, "again, with the same outcome");
        Ok(())
    }
    assert_eq!(
        decided(policy, &Map::default()),
        "10.0.0.0/8 false None inside\n0.0.0.0/0 true None outside\n192.0.2.0/24 true Some(10.0.0.99) partner\n"
    );
}

#[test]
fn refuses_wrong_calls() {
    let none = Map::default();
    assert_eq!(
        decided(|_, d| { d.exclude(TEN, ""); d.translate(TEN, ""); Ok(()) }, &none),
        "error decision: 10.0.0.0/8 is given as exclude and as translate, want one outcome"
    );
    assert_eq!(
        decided(|_, d| { d.translate_to(TEN, Address::new(10, 0, 0, 99), ""); d.translate(TEN, ""); Ok(()) }, &none),
        "error decision: 10.0.0.0/8 is given as translate to 10.0.0.99 and as translate, want one outcome"
    );
    assert_eq!(
        decided(|_, d| { d.exclude(Prefix::new(Address::new(10, 0, 0, 1), 8), ""); d.exclude(Prefix::new(Address(0), 33), ""); Ok(()) }, &none),
        "error decision: \"10.0.0.1/8\" has host bits set, write 10.0.0.0/8"
    );
    assert_eq!(
        decided(|_, d| { for i in 0..10_001 { d.exclude(Prefix::new(Address(i << 8), 24), "") } Ok(()) }, &none),
        "error decision: more than 10000 prefixes"
    );
    assert_eq!(decided(|_, d| { d.exclude(Prefix::new(Address(0), 33), ""); Err(Error::new("no zone")) }, &none), "error no zone");
}

#[test]
fn cuts_long_texts() {
    fn policy(facts: &Facts, decision: &mut Decision) -> Result<(), Error> {
        let text = facts.config("text").unwrap_or("");
        decision.exclude(TEN, text);
        decision.log(Level::Info, text);
        Ok(())
    }
    let long = format!("x{}", "é".repeat(abi::MAX_MESSAGE));
    let decision = run(policy, &Map::from([("config.text", long.as_str())])).unwrap();
    assert_eq!(decision.entries().next().unwrap().why.len(), abi::MAX_REASON - 1);
    assert_eq!(decision.lines()[0].text.len(), abi::MAX_MESSAGE - 1);
    assert_eq!(join(&["a", "", "bc"]), "abc");
}

#[test]
fn sample() {
    let config = ("config.partners", "10.1.0.0/16, 192.168.0.0/24");
    assert_eq!(decided(sample::decide, &Map::from([config])), "");
    assert_eq!(
        decided(sample::decide, &Map::from([config, ("pod.label.egress", "own")])),
        "10.1.0.0/16 false None partners\n192.168.0.0/24 false None partners\n"
    );
    assert_eq!(
        decided(sample::decide, &Map::from([("pod.label.egress", "node"), ("vpc.cidrs", "10.0.0.0/16\0")])),
        "10.0.0.0/16 false None vpc.cidrs\n0.0.0.0/0 true None hidden\n"
    );
    assert_eq!(decided(sample::decide, &Map::from([("pod.label.egress", "mine")])), "error label egress: \"mine\", want own or node");
    for (facts, want) in [
        (Map::from([config]), ""),
        (Map::default(), "config partners: missing"),
        (Map::from([config, ("config.partner", "")]), "config \"partner\" is not a setting, want partners"),
        (Map::from([("config.partners", "x")]), "config partners: \"x\" is not an IPv4 prefix, want one such as 10.0.0.0/8"),
    ] {
        assert_eq!(error(sample::validate(&Facts::new(&facts))), want);
    }
}
