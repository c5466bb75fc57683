package scaffold

import "strings"

// language is one that policies are written in.
type language struct {
	name     string
	Title    string
	Needs    string // what builds it, as Debian's packages or in words
	Code     string // the file with the policy
	Further  string // how another source becomes a part of the policy
	Build    string // makes $@
	Unit     string // tests the code without a module, or with it
	Ignored  string // what these leave behind, for .gitignore
	Prepared string // a rule that has to run before; empty if there is none
	sdk      string // the SDK's folder in this repository
	// place is where a file of it goes; empty if it stays away.
	place func(name string) string
}

var languages = []language{
	{
		name: "go", Title: "Go", Needs: "Go " + goVersion() + " or later", Code: "policy.go",
		Further: "stand beside `policy.go`, or are packages in folders of their own",
		Build:   `GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags="-s -w" -o $@ ./wasm`,
		Unit:    "go test .",
		sdk:     "sdk",
		place: func(name string) string {
			folder, _, deep := strings.Cut(name, "/")
			if strings.HasSuffix(name, "_test.go") || deep && folder != "abi" {
				return ""
			}
			return inSDK("sdk/" + name)
		},
	},
	{
		name: "rust", Title: "Rust", Needs: "Rust with the target wasm32-unknown-unknown (on Debian `apt-get install rustc cargo libstd-rust-dev-wasm32 lld`, with rustup `rustup target add wasm32-unknown-unknown`)",
		Code:    "src/lib.rs",
		Further: "are modules: `mod` in `src/lib.rs` names them",
		Build: "cargo build --release --target wasm32-unknown-unknown\n" +
			"\tcp target/wasm32-unknown-unknown/release/policy.wasm $@",
		Unit:    "cargo test",
		Ignored: "/target/\n",
		sdk:     "sdk/rust",
		place: func(name string) string {
			if strings.HasPrefix(name, ".cargo/") { // cargo looks for it above where it runs
				return name
			}
			return inSDK(name)
		},
	},
	{
		name: "assemblyscript", Title: "AssemblyScript", Needs: "Node.js, 18 or later, with npm (on Debian `apt-get install nodejs npm`) and a way to npm's registry, from which the first `make` fetches the compiler, in the versions of `package-lock.json`",
		Code:    "policy.ts",
		Further: "are what `policy.ts` imports",
		Build:   "npx asc policy.ts -Osize --runtime stub --exportStart _initialize --use abort=~lib/@snatd/policy/assembly/fail/abort -o $@",
		Unit:    "node --test",
		Ignored: "/node_modules/\n",
		Prepared: "# The compiler, from npm's registry, in the versions and with the hashes of package-lock.json.\n" +
			"node_modules: package.json package-lock.json\n\tnpm ci\n\ttouch $@\n",
		sdk:   "sdk/assemblyscript",
		place: inSDK,
	},
	{
		name: "c", Title: "C", Needs: "clang with lld (on Debian `apt-get install clang lld`)",
		Code:    "policy.c",
		Further: "are what `policy.c` includes: the module is made of that one file",
		Build:   "clang @snatd/flags -Wall -Wextra -Isnatd -o $@ policy.c",
		Unit:    "clang -Isnatd -o policy_test policy_test.c\n\t./policy_test",
		Ignored: "/policy_test\n",
		sdk:     "sdk/c",
		place:   inSDK,
	},
}

// Languages are the names of those that New accepts.
func Languages() []string {
	names := make([]string, len(languages))
	for i, l := range languages {
		names[i] = l.name
	}
	return names
}
