package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/rules"
)

// ErrAbsent says that nobody listens at the socket.
var ErrAbsent = errors.New("no snatd answers")

// Client asks a running daemon.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the daemon at a unix socket.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", socket)
	}
	return &Client{socket, &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   10 * time.Second,
	}}
}

// Status asks how the daemon is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	err := c.get(ctx, pathStatus, nil, &status)
	return status, err
}

// Explain asks what happens to connections from a pod ("namespace/name") or an
// address to an address.
func (c *Client) Explain(ctx context.Context, from, to string) (engine.Explanation, error) {
	var explanation engine.Explanation
	err := c.get(ctx, pathExplain, url.Values{"from": {from}, "to": {to}}, &explanation)
	return explanation, err
}

// Flows asks which connections are translated, for at most so many.
func (c *Client) Flows(ctx context.Context, most int) (engine.Flows, error) {
	var flows engine.Flows
	err := c.get(ctx, pathFlows, url.Values{"limit": {strconv.Itoa(most)}}, &flows)
	return flows, err
}

// Approve lets the change through that is held, if it has this digest, of which the first
// twelve digits suffice. It returns when the change is in force.
func (c *Client) Approve(ctx context.Context, digest string) (engine.Held, error) {
	var held engine.Held
	body, err := c.send(ctx, http.MethodPost, pathApprove, url.Values{"digest": {digest}})
	if err == nil {
		err = json.Unmarshal(body, &held)
	}
	return held, err
}

// Ruleset asks what the kernel holds; nil if nothing is installed.
func (c *Client) Ruleset(ctx context.Context) (*rules.Ruleset, error) {
	var ruleset *rules.Ruleset
	err := c.get(ctx, pathRuleset, nil, &ruleset)
	return ruleset, err
}

// Installed asks what a plan starts from; an error before the daemon decided anything.
func (c *Client) Installed(ctx context.Context) (engine.Installed, error) {
	var installed engine.Installed
	err := c.get(ctx, pathInstalled, nil, &installed)
	return installed, err
}

// Facts asks which facts are in force, in the format of the static facts file.
func (c *Client) Facts(ctx context.Context) ([]byte, error) { return c.ask(ctx, pathFacts, nil) }

// FactsAt asks which they were at a change, by its number.
func (c *Client) FactsAt(ctx context.Context, number uint64) ([]byte, error) {
	return c.ask(ctx, pathFacts, at(number))
}

// History asks what was changed last, the oldest first.
func (c *Client) History(ctx context.Context) ([]history.Entry, error) {
	var entries []history.Entry
	err := c.get(ctx, pathHistory, nil, &entries)
	return entries, err
}

// Bundle asks for all that a change follows from, as history.Extract takes it.
func (c *Client) Bundle(ctx context.Context, number uint64) ([]byte, error) {
	return c.ask(ctx, pathBundle, at(number))
}

func at(number uint64) url.Values { return url.Values{"at": {strconv.FormatUint(number, 10)}} }

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	body, err := c.ask(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the daemon's answer is that of another version of snatd, accepted: to ask it with its own binary: %w", err)
	}
	return nil
}

// ask returns the body of a good answer.
func (c *Client) ask(ctx context.Context, path string, query url.Values) ([]byte, error) {
	return c.send(ctx, http.MethodGet, path, query)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values) ([]byte, error) {
	target := url.URL{Scheme: "http", Host: "snatd", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w at %s: is it running? name its socket by --socket or its configuration by --config", ErrAbsent, c.socket)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("no right to ask the snatd at %s: run this as root, or as a member of its socketGroup", c.socket)
	case err != nil:
		return nil, fmt.Errorf("asking the snatd at %s: %w", c.socket, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("asking the snatd at %s: %w", c.socket, err)
	}
	if response.StatusCode != http.StatusOK {
		var p problem
		if json.Unmarshal(body, &p) != nil || p.Error == "" {
			return nil, fmt.Errorf("the snatd at %s answered %s", c.socket, response.Status)
		}
		return nil, errors.New(p.Error)
	}
	return body, nil
}
