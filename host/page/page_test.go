package page

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

var write = flag.Bool("write", false, "write the golden files instead of comparing them")

// stub is a daemon that says what a test wants.
type stub struct {
	state   *engine.State
	decided map[rules.Decider]nft.Count
	err     error // of Decided and Explain
}

func (s stub) State() *engine.State { return s.state }

func (s stub) Health() health.Health {
	return health.Health{Progress: time.Now(), Ready: s.state.Waiting == "", Waiting: s.state.Waiting}
}

func (s stub) Explain(from, to string) (engine.Explanation, error) {
	if s.err != nil {
		return engine.Explanation{}, s.err
	}
	return engine.Explanation{
		From: from, To: to, Action: rules.Exclude, Source: "10.0.1.5", Class: "c_1",
		Decider: engine.Decider{Prefix: "0.0.0.0/0", Reason: "because " + from, Asked: engine.Asked{
			Module: "10-x.wasm", SHA256: strings.Repeat("e", 64),
			Reads: []engine.Fact{{Read: policy.Read{Key: "pod.label.app", Value: from, Found: true}, From: facts.Provenance{Source: "kubernetes/pods"}}},
		}},
		Kernel: &engine.Kernel{Agrees: true}, Notes: []string{},
	}, nil
}

func (s stub) Decided() (map[rules.Decider]nft.Count, error) { return s.decided, s.err }

// full is a daemon with two classes and everything to tell; what others named or said has
// text in it.
func full(t *testing.T, text string) stub {
	t.Helper()
	entry := func(prefix string, action rules.Action, why string) rules.Entry {
		return rules.Entry{Prefix: netip.MustParsePrefix(prefix), Outcome: rules.Outcome{Action: action}, Reason: why}
	}
	standard := rules.Decision{Module: "default", Entries: []rules.Entry{
		entry("10.0.0.0/16", rules.Exclude, "vpc cidr"), entry("100.64.0.0/16", rules.Exclude, "vpc cidr"), entry("0.0.0.0/0", rules.Translate, "outside the vpc"),
	}}
	special := rules.Decision{Module: "10-x" + text + ".wasm", Entries: []rules.Entry{entry("172.16.0.0/12", rules.Exclude, "partner"+text), entry("172.16.0.5/32", rules.Translate, "not this one")}}
	subject := func(name, addr string, decisions ...rules.Decision) engine.Decided {
		d := engine.Decided{Subject: rules.Subject{Name: name}}
		if addr != "" {
			d.Subject.Addr = netip.MustParseAddr(addr)
		}
		for _, decision := range decisions {
			d.Evaluations = append(d.Evaluations, policy.Evaluation{Decision: decision})
		}
		return d
	}
	decided := []engine.Decided{
		subject("node", "", standard), subject("default/a"+text, "10.0.1.5", special, standard),
		subject("default/b", "10.0.1.6", standard), subject("default/c", "10.0.1.7", special, standard),
	}
	network := rules.Network{PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr("10.0.0.10"), Mark: 0x80, Randomize: rules.RandomizePRNG, PrimaryInterface: "eth0"}
	var pods []rules.Decided
	for _, d := range decided[1:] {
		one := rules.Decided{Subject: d.Subject}
		for _, e := range d.Evaluations {
			one.Decisions = append(one.Decisions, e.Decision)
		}
		pods = append(pods, one)
	}
	ruleset, err := rules.Compile(network, []rules.Decision{standard}, pods)
	if err != nil {
		t.Fatal(err)
	}
	return stub{
		state: &engine.State{
			Result:  &engine.Result{Snapshot: &facts.Snapshot{}, Network: network, Decided: decided, Ruleset: ruleset},
			Ruleset: ruleset, Wasm: "compiler",
			Problems: []engine.Problem{{Source: "module 10-x" + text + ".wasm", Message: "bad" + text}},
			Modules: []engine.ModuleStatus{
				{Name: "10-x" + text + ".wasm", State: "failed", Error: "bad" + text, SHA256: strings.Repeat("e", 64)},
				{Name: "default", State: "active", Native: true, Work: policy.Work{Evaluations: 4, Recalled: 2}, Loads: engine.Loads{Taken: 1}},
			},
		},
		decided: map[rules.Decider]nft.Count{{Module: "default", Action: rules.Translate}: {Packets: 7}, {Module: "10-x" + text, Action: rules.Exclude}: {Packets: 3}},
	}
}

func get(t *testing.T, handler http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	request.Host = "127.0.0.1:9477"
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// The pieces of the page are as they were looked at.
func TestPieces(t *testing.T) {
	text := get(t, New("v1", full(t, ""), true), "/?from=default/a&to=172.16.0.1").Body.String()
	// What differs from run to run.
	text = regexp.MustCompile(`c_[0-9a-f]{12}`).ReplaceAllString(text, "c_1")
	for _, id := range []string{"explain", "matrix", "modules", "connections"} {
		_, piece, _ := strings.Cut(text, `<section id="`+id+`">`)
		piece, _, found := strings.Cut(piece, "</section>")
		if !found {
			t.Fatalf("there is no section %s:\n%s", id, text)
		}
		file := filepath.Join("testdata", id+".html")
		if *write {
			if err := os.WriteFile(file, []byte(piece), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if piece != string(want) {
			t.Errorf("%s is another one; if that is wanted, go test ./host/page -run Pieces -write\n%s\nwant:\n%s", file, piece, want)
		}
	}
	for _, want := range []string{`<h1 class="bad">not healthy: module 10-x.wasm: bad</h1>`, `<th scope="row">classes</th>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s:\n%s", want, text)
		}
	}
}

// What pods, files, modules and clients say is text, whatever is in it.
func TestHostileText(t *testing.T) {
	elements := func(text, query string) map[string]bool {
		found := map[string]bool{}
		page := get(t, New("v1", full(t, text), true), query)
		tokens := html.NewTokenizer(page.Body)
		for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			token := tokens.Token()
			for _, a := range token.Attr {
				found[token.Data+" "+a.Key] = true
				if a.Key == "href" && a.Val != "page.css" && !strings.HasPrefix(a.Val, "?from=default%2f") {
					t.Errorf("a link to %.100q", a.Val)
				}
			}
			found[token.Data] = true
		}
		return found
	}
	harmless := elements("", "/?from=default/a&to=10.0.0.1")
	if !harmless["a href"] || !harmless["form action"] {
		t.Fatalf("the page has %v", harmless)
	}
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>`, `{{.}}`,
		`javascript:alert(1)`, "\x00\x1b[2J\u202e", `--><svg onload=alert(1)>`, strings.Repeat("x", 5000),
	} {
		for what := range elements(hostile, "/?"+url.Values{"from": {"default/a" + hostile}, "to": {hostile}}.Encode()) {
			if !harmless[what] {
				t.Errorf("%q makes the element or attribute %q", hostile, what)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	handler := New("v1", full(t, ""), true)
	for target, code := range map[string]int{"/": 200, "/page.css": 200, "/page.html": 404, "/debug/pprof/": 404, "/favicon.ico": 404} {
		response := get(t, handler, target)
		if response.Code != code {
			t.Errorf("%s: %d, want %d", target, response.Code, code)
		}
		if csp := response.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self';") {
			t.Errorf("%s: %q", target, csp)
		}
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", nil))
	if recorder.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", recorder.Code)
	}
}

// A name that somebody else has lead here is not ours.
func TestHost(t *testing.T) {
	for host, local := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9477": true, "localhost:9477": true, "[::1]:9477": true, "10.0.0.1": true,
		"evil.example": false, "evil.example:9477": false, "": false, "127.0.0.1.evil.example": false,
	} {
		for _, only := range []bool{true, false} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			request.Host = host
			recorder := httptest.NewRecorder()
			New("v1", full(t, ""), only).ServeHTTP(recorder, request)
			want := http.StatusOK
			if only && !local {
				want = http.StatusForbidden
			}
			if recorder.Code != want {
				t.Errorf("%q, local only %v: %d, want %d", host, only, recorder.Code, want)
			}
		}
	}
}

// Before the first decision, and where nothing can be counted, the page says so.
func TestNothingDecided(t *testing.T) {
	daemon := stub{state: &engine.State{Waiting: "waiting for facts"}, err: errors.New("no counters")}
	text := get(t, New("v1", daemon, true), "/?from=a&to=b").Body.String()
	for _, want := range []string{`<h1 class="bad">not healthy: waiting for facts</h1>`, "<p>Nothing is decided.</p>", `<p class="warn">no counters</p>`, `<p class="bad">no counters</p>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s:\n%s", want, text)
		}
	}
}

// A column says of each class what the ruleset does there, and the columns are all
// destinations.
func TestColumns(t *testing.T) {
	d := full(t, "")
	ruleset := d.state.Ruleset
	addresses := uint64(0)
	columns, numbers := columnsOf(ruleset.Classes)
	for _, c := range columns {
		addresses += c.addresses
		for i, class := range ruleset.Classes {
			src := netip.MustParseAddr("10.9.9.9")
			for _, m := range ruleset.Pods {
				if m.Class == class.Name {
					src = m.Addr
				}
			}
			for _, r := range append(c.Ranges(), c.To()) {
				text, _, _ := strings.Cut(strings.Split(r, "/")[0], "-")
				if want := ruleset.Lookup(src, netip.MustParseAddr(text)); numbers.cell(c, i).Outcome != want {
					t.Errorf("class %s to %s: %s, want %s", class.Name, r, numbers.cell(c, i).Outcome, want)
				}
			}
		}
	}
	if addresses != 1<<32 {
		t.Errorf("%d addresses", addresses)
	}
	var names []string
	for _, c := range columns {
		names = append(names, fmt.Sprint(c.Ranges(), c.More, c.Else))
	}
	want := []string{
		"[10.0.0.0/16 100.64.0.0/16] 0 false",
		"[172.16.0.0-172.16.0.4 172.16.0.6-172.31.255.255] 0 false",
		"[172.16.0.5/32] 0 false",
		"[0.0.0.0-9.255.255.255 10.1.0.0-100.63.255.255 100.65.0.0-172.15.255.255] 1 true",
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("columns\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
}

// However many pods and networks there are, the page is bounded and says what it leaves out.
func TestBounds(t *testing.T) {
	network := rules.Network{PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr("10.0.0.10"), Mark: 0x80, Randomize: rules.RandomizePRNG}
	base := rules.Decision{Module: "default", Entries: []rules.Entry{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Outcome: rules.Outcome{Action: rules.Translate}}}}
	decided := []engine.Decided{{Subject: rules.Subject{Name: "node"}, Evaluations: []policy.Evaluation{{Decision: base}}}}
	var pods []rules.Decided
	const classes = mostClasses + 10
	for i := range 500 {
		own := rules.Decision{Module: "m", Entries: []rules.Entry{{
			Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i % classes), 0}), 24), Outcome: rules.Outcome{Action: rules.Exclude},
		}}}
		subject := rules.Subject{Name: fmt.Sprintf("default/p%03d", i), Addr: netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(i % 250)})}
		decided = append(decided, engine.Decided{Subject: subject, Evaluations: []policy.Evaluation{{Decision: own}, {Decision: base}}})
		pods = append(pods, rules.Decided{Subject: subject, Decisions: []rules.Decision{own, base}})
	}
	ruleset, err := rules.Compile(network, []rules.Decision{base}, pods)
	if err != nil {
		t.Fatal(err)
	}
	m := matrixOf(decided, ruleset)
	if len(m.Rows) != mostRows || m.MoreRows != 501-mostRows || len(m.Columns) != mostColumns || m.MoreColumns != mostClasses-mostColumns {
		t.Errorf("%d rows and %d more, %d columns and %d more", len(m.Rows), m.MoreRows, len(m.Columns), m.MoreColumns)
	}
	if !slices.ContainsFunc(m.Columns, func(c column) bool { return c.Else }) {
		t.Error("what is done elsewhere is not shown")
	}
}

// Many ask while the state changes.
func TestAtTheSameTime(t *testing.T) {
	a, b := full(t, ""), full(t, "x")
	handler := New("v1", &changing{stub: a, states: []*engine.State{a.state, b.state}}, true)
	var asking sync.WaitGroup
	for range 2 * mostAtOnce {
		asking.Go(func() {
			for range 20 {
				if response := get(t, handler, "/?from=default/a&to=10.0.0.1"); response.Code != http.StatusOK {
					t.Errorf("%d: %s", response.Code, response.Body)
				}
			}
		})
	}
	asking.Wait()
}

// changing has another state each time.
type changing struct {
	stub
	mu     sync.Mutex
	states []*engine.State
	next   int
}

func (c *changing) State() *engine.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.states[c.next%len(c.states)]
}

func (c *changing) Health() health.Health { return health.Health{Progress: time.Now(), Ready: true} }
