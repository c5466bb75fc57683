package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/snatd/snatd/host/lab"
)

const metricsAddress = "127.0.0.1:9477" // of the node

// podChanges are the pods' changes that a daemon has measured itself.
type podChanges struct {
	count float64
	took  time.Duration // all of them together
}

// readPodChanges asks the daemon on a node.
func readPodChanges(ctx context.Context, node *lab.Host) (podChanges, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = node.Do(func() error {
				var dialer net.Dialer
				conn, err = dialer.DialContext(ctx, network, address)
				return err
			})
			return conn, err
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+metricsAddress+"/metrics", nil)
	if err != nil {
		return podChanges{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return podChanges{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return podChanges{}, fmt.Errorf("the daemon's metrics: %s", response.Status)
	}
	return parsePodChanges(response.Body)
}

func parsePodChanges(metrics io.Reader) (podChanges, error) {
	const name = "snatd_pod_change_seconds"
	values := map[string]float64{}
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		key, text, _ := strings.Cut(lines.Text(), " ")
		if key != name+"_sum" && key != name+"_count" {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return podChanges{}, fmt.Errorf("the daemon's metrics: %s: %w", key, err)
		}
		values[key] = value
	}
	if err := lines.Err(); err != nil {
		return podChanges{}, err
	}
	if len(values) != 2 {
		return podChanges{}, fmt.Errorf("the daemon's metrics lack %s", name)
	}
	return podChanges{values[name+"_count"], time.Duration(values[name+"_sum"] * float64(time.Second))}, nil
}
