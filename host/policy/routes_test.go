package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/plugins"
	routespolicy "github.com/snatd/snatd/plugins/routes"
	"github.com/snatd/snatd/sdk"
)

func routesWasm(t testing.TB) []byte {
	t.Helper()
	wasm := plugins.Routes()
	if wasm == nil {
		t.Fatal(`plugins/built/routes.wasm is missing: run "make build"`)
	}
	return wasm
}

// TestRoutesNativeEqualsWasm holds the two builds of the routes policy against
// each other on random facts, good and bad: same decisions, same reads, same
// errors.
func TestRoutesNativeEqualsWasm(t *testing.T) {
	wasm := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), routesWasm(t), translates)
	native := Native("test", routespolicy.Decide, translates, nil)
	random := rand.New(rand.NewPCG(7, 8))
	rounds := 2000
	if testing.Short() {
		rounds = 100
	}
	failures, opinions := 0, 0
	for range rounds {
		facts := randomFacts(random)
		addRandomRoutes(random, facts)
		want, wantErr := decide(native, facts)
		got, err := decide(wasm, facts)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%q:\nwasm   %v\nnative %v", facts, err, wantErr)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Fatalf("%q: evaluation (-native +wasm):\n%s", facts, diff)
		}
		switch {
		case err != nil:
			failures++
		case len(got.Decision.Entries) > 0:
			opinions++
		}
	}
	if failures < rounds/20 || failures > rounds/2 || opinions < rounds/20 {
		t.Errorf("of %d random facts %d are errors and %d decisions have entries, want some of both", rounds, failures, opinions)
	}
}

// addRandomRoutes adds a route table, seldom a bad one.
func addRandomRoutes(random *rand.Rand, facts sdk.Map) {
	kinds := []string{"local", "pcx-1", "tgw-1", "vgw-1", "nat-1", "igw-1", "igw-2", "eni-1", "vpce-1", "blackhole",
		"arn:aws:networkmanager::111122223333:core-network/core-network-1"}
	for range random.IntN(9) {
		cidr := fmt.Sprintf("%d.%d.0.0/%d", random.IntN(3)*64, random.IntN(4)*64, random.IntN(33))
		facts["vpc.route."+prefix(cidr).Masked().String()] = kinds[random.IntN(len(kinds))]
	}
	switch random.IntN(40) {
	case 0:
		facts["vpc.route.10.0.0.1/8"] = "tgw-1"
	case 1:
		facts["vpc.route.10.0.0.0/8"] = ""
	case 2:
		facts["vpc.route.::/0"] = "igw-1"
	}
}
