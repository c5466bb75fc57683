package test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
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
		`snatd_source_up{source="` + d.path("facts.yaml") + `"}`: 1, `snatd_source_up{source="netlink"}`: 1,
	} {
		if got, err := d.sample(name); got != want || err != nil {
			t.Errorf("%s is %v, %v, want %v", name, got, err, want)
		}
	}
}

// An address that is taken is the operator's to mend, before anything is done.
func TestMetricsAddressTaken(t *testing.T) {
	d := prepare(t)
	listener, err := d.listen("tcp", "127.0.0.1:9477")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, stderr, err := d.output(nil, "run")
	if want := "metrics.listen 127.0.0.1:9477: address already in use"; err == nil || !strings.Contains(stderr, want) {
		t.Errorf("run: %v\n%s", err, stderr)
	}
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("the kernel holds %+v", held)
	}
}
