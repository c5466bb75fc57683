package engine

import "github.com/snatd/snatd/host/health"

// Health is what the daemon's health is judged by. Where nothing is to be installed, in an
// IPv6 cluster, no source counts.
func (e *Engine) Health() health.Health {
	s := e.State()
	h := health.Health{Progress: e.Progress(), Ready: s.Waiting == "", Waiting: s.Waiting}
	if s.Result != nil && s.Result.Ruleset != nil {
		h.Sources = s.Sources()
	}
	return h
}
