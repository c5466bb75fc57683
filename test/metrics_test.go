package test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// get asks the daemon's metrics listener.
func (d *daemon) get(path string) (code int, text string, err error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = d.lab.Node.Do(func() error {
				conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
				return err
			})
			return conn, err
		},
	}}
	response, err := client.Get("http://127.0.0.1:9477" + path)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// sample is the value of a metric, by its name with its labels.
func (d *daemon) sample(name string) (float64, error) {
	code, text, err := d.get("/metrics")
	if err != nil || code != http.StatusOK {
		return 0, errors.Join(err, fmt.Errorf("status %d", code))
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

// waitSample waits until a metric has a value.
func (d *daemon) waitSample(name string, want float64) {
	d.t.Helper()
	d.wait(fmt.Sprintf("%s %v", name, want), func() error {
		got, err := d.sample(name)
		if err == nil && got != want {
			err = fmt.Errorf("it is %v", got)
		}
		return err
	})
}

// What status says, metrics say.
func TestMetrics(t *testing.T) {
	d := prepare(t)
	d.write("facts.yaml", "vpc: {}\n")
	d.run()
	d.waitNotReady("the VPC's CIDRs")
	if code, text, err := d.get("/healthz"); code != http.StatusOK || err != nil {
		t.Errorf("healthz: %d %s %v", code, text, err)
	}
	if code, text, err := d.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "VPC") || err != nil {
		t.Errorf("readyz: %d %s %v", code, text, err)
	}
	d.write("facts.yaml", baseFacts)
	d.waitReady()
	if code, text, err := d.get("/readyz"); code != http.StatusOK || err != nil {
		t.Errorf("readyz: %d %s %v", code, text, err)
	}
	for name, want := range map[string]float64{
		"snatd_ready": 1, "snatd_problems": 0, "snatd_subjects": 3, "snatd_kernel_changes_total": 1, "snatd_apply_seconds_count": 1,
		"snatd_compile_seconds_count": 1, `snatd_kernel_transactions_total{result="failed"}`: 0,
		`snatd_elements{map="destinations"}`: 2, `snatd_elements{map="pods"}`: 0, "snatd_port_use_max_ratio": 0,
		`snatd_module_loads_total{module="default",result="failure"}`: 0,
		`snatd_source_up{source="` + d.path("facts.yaml") + `"}`:      1, `snatd_source_up{source="netlink"}`: 1,
	} {
		if got, err := d.sample(name); got != want || err != nil {
			t.Errorf("%s is %v, %v, want %v", name, got, err, want)
		}
	}
	if got, err := d.sample(`snatd_kernel_transactions_total{result="accepted"}`); got < 1 || err != nil {
		t.Errorf("%v transactions, %v", got, err)
	}
}

// Who has the address of metrics, as any local user can, keeps nobody's packets from their
// rules. It is told, and once it is free the daemon answers there.
func TestMetricsAddressTaken(t *testing.T) {
	d := prepare(t)
	listener, err := d.listen("tcp", "127.0.0.1:9477")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d.run()
	d.waitReady()
	d.check(onlyOutside)
	d.waitProblem("metrics.listen: 127.0.0.1:9477: address already in use")
	listener.Close()
	d.wait("the daemon to answer", func() error {
		_, _, err := d.get("/readyz")
		return err
	})
	d.waitProblemFree()
}

// A port that takes a capability, which is given up after the start, is had at the next one.
func TestMetricsPrivilegedPortTaken(t *testing.T) {
	d := prepare(t)
	d.setConfig(baseConfig + "metrics: {listen: '127.0.0.1:80'}\n")
	listener, err := d.listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d.run()
	d.waitReady()
	const problem = "metrics.listen: 127.0.0.1:80: address already in use when snatd started, and a port below 1024 takes CAP_NET_BIND_SERVICE"
	d.waitProblem(problem)
	listener.Close()
	// Another pass, which could have listened.
	d.write("facts.yaml", strings.Replace(baseFacts, "cidrs: [", "cidrs: [172.31.0.0/16, ", 1))
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.waitProblem(problem)
	d.stop(os.Interrupt)
	d.run()
	d.waitReady()
	d.waitProblemFree()
}

// Connections are counted by module and action, their first packets only, and over the
// end of a class.
func TestConnectionsCounted(t *testing.T) {
	d := start(t)
	counted := func(module, action string) float64 {
		t.Helper()
		n, err := d.sample(fmt.Sprintf("snatd_connections_total{action=%q,module=%q}", action, module))
		if err != nil {
			return 0
		}
		return n
	}
	translated, excluded := counted("default", "translate"), counted("default", "exclude")
	conn := d.open(d.lab.PodA, lab.TCP, lab.Internet)
	d.open(d.lab.PodA, lab.UDP, lab.VPC)
	for range 5 {
		conn.check(t)
	}
	if now := counted("default", "translate"); now != translated+1 {
		t.Errorf("%v translated connections, want %v", now, translated+1)
	}
	if now := counted("default", "exclude"); now != excluded+1 {
		t.Errorf("%v excluded connections, want %v", now, excluded+1)
	}
	d.dropIn("50-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.open(d.lab.PodA, lab.UDP, lab.Peered)
	if now := counted("50-peering.wasm", "exclude"); now != 1 {
		t.Errorf("%v connections excluded by the drop-in, want 1", now)
	}
	if now := counted("default", "translate"); now != translated+1 {
		t.Errorf("%v translated connections after a change, want %v", now, translated+1)
	}
}

// Connections are told by the source that others see, and the ports that they hold.
func TestPortUse(t *testing.T) {
	d := start(t)
	const tcp, udp = 5, 3
	for range tcp {
		d.open(d.lab.PodA, lab.TCP, lab.Internet)
	}
	for range udp {
		d.open(d.lab.PodB, lab.UDP, lab.Internet)
	}
	d.open(d.lab.PodA, lab.TCP, lab.VPC) // not translated
	for name, want := range map[string]float64{
		`snatd_translated_connections{source="10.0.0.10"}`: tcp + udp, "snatd_port_use_max_ratio": tcp / 64512.,
	} {
		// What is read of connections counts for some seconds.
		d.waitSample(name, want)
	}
}

// A drop-in that is loaded, and one that is refused, are counted, and what they do.
func TestModuleMetrics(t *testing.T) {
	d := start(t)
	d.dropIn("50-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	for name, least := range map[string]float64{
		`snatd_module_state{module="50-peering.wasm",state="active"}`:         1,
		`snatd_module_loads_total{module="50-peering.wasm",result="success"}`: 1,
		`snatd_module_evaluations_total{module="50-peering.wasm"}`:            1,
		`snatd_module_memo_hits_total{module="50-peering.wasm"}`:              1,
		`snatd_module_guest_calls_total{module="50-peering.wasm"}`:            2,
	} {
		if got, err := d.sample(name); got < least || err != nil {
			t.Errorf("%s is %v, %v, want %v or more", name, got, err, least)
		}
	}
	d.write("policies.d/50-peering.yaml", "config: {cidrs: nonsense}\n")
	d.waitSample(`snatd_module_loads_total{module="50-peering.wasm",result="failure"}`, 1)
}
