package engine

import (
	"strings"
	"sync/atomic"

	"github.com/snatd/snatd/host/kubernetes"
	"github.com/snatd/snatd/host/neighbour"
)

// Reasons of the events of the Node object.
const (
	changeHeld           = "SNATChangeHeld"
	configurationRefused = "SNATConfigurationRefused"
	moduleProblem        = "SNATModuleProblem"
	neighbourTranslates  = "SNATNeighbourTranslates"
)

// announcer tells the cluster's operators what they should know of the node, where there
// is a cluster. Several goroutines may use it.
type announcer struct {
	to atomic.Pointer[kubernetes.Cluster]
}

func (a *announcer) tell(reason, message string) {
	if to := a.to.Load(); to != nil {
		to.Tell(kubernetes.Event{Reason: reason, Message: message})
	}
}

// problem tells of a new problem, if it is one for the cluster's operators.
func (a *announcer) problem(p Problem) {
	switch {
	case p.Source == guardSource:
		a.tell(changeHeld, p.Message)
	case p.Source == configurationSource && !strings.HasSuffix(p.Message, waitsForStart):
		a.tell(configurationRefused, p.Message+"; what ran goes on, but snatd would not start with it")
	case strings.HasPrefix(p.Source, moduleSource):
		a.tell(moduleProblem, p.String())
	}
}

// neighbour tells of a new finding, if it is one that translates too.
func (a *announcer) neighbour(f neighbour.Finding) {
	switch f.Kind {
	case neighbour.AWSTranslates, neighbour.Translates, neighbour.Legacy:
		a.tell(neighbourTranslates, f.String()+"; "+f.Fix)
	}
}
