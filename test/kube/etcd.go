package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
)

// etcd is where the API server keeps everything.
type etcd struct {
	process *process
	url     string
}

// startEtcd starts etcd and does not wait for it: the API server does.
func startEtcd(program, dir, clientPort, peerPort string) (*etcd, error) {
	client, peer := "http://127.0.0.1:"+clientPort, "http://127.0.0.1:"+peerPort
	p, err := startProcess(filepath.Join(dir, "etcd.log"), program,
		"--name=test",
		"--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=test="+peer,
		// It has nobody to wait for before it makes itself the leader.
		"--heartbeat-interval=10", "--election-timeout=100",
		"--unsafe-no-fsync", // what it holds is not worth a wait
		"--log-level=warn")
	if err != nil {
		return nil, err
	}
	return &etcd{process: p, url: client}, nil
}

// forget adds revisions, so that those that clients know are not the newest, and
// then removes all but the newest from the history.
func (e *etcd) forget(ctx context.Context) error {
	put := map[string]any{"key": []byte("/test/forget"), "value": []byte("x")}
	var newest string
	for range 4 {
		var answer struct {
			Header struct{ Revision string }
		}
		if err := e.call(ctx, "kv/put", put, &answer); err != nil {
			return err
		}
		newest = answer.Header.Revision
	}
	return e.call(ctx, "kv/compaction", map[string]any{"revision": newest, "physical": true}, nil)
}

// call calls a method by etcd's JSON gateway, where bytes are base64, as Go has
// them, and 64-bit numbers are strings.
func (e *etcd) call(ctx context.Context, method string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/v3/"+method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(post)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("etcd: %s: %w", method, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd: %s: %s: %s", method, response.Status, body)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}
