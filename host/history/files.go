package history

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dropin"
)

// The files of a change, from which it can be planned again:
//
//	entry.json            what is told of it
//	config.yaml           the configuration, for a daemon in this directory
//	facts.yaml
//	policies.d/*.wasm     the modules that decided, with their sidecars
const (
	entryFile  = "entry.json"
	configFile = "config.yaml"
	factsFile  = "facts.yaml"
	policies   = "policies.d"
)

// names are the files of the change.
func (k *kept) names() []string {
	list := []string{entryFile, configFile, factsFile}
	for _, m := range k.Modules {
		if sidecar := sidecarOf(m.Name); sidecar != "" {
			list = append(list, filepath.Join(policies, m.Name), filepath.Join(policies, sidecar))
		}
	}
	return list
}

// sidecarOf is the name of a drop-in's sidecar; empty for a module of the binary.
func sidecarOf(module string) string {
	if name, ok := strings.CutSuffix(strings.TrimSuffix(module, ".gz"), ".wasm"); ok {
		return name + ".yaml"
	}
	return ""
}

// read returns one of the files.
func (k *kept) read(name string) ([]byte, error) {
	if k.dir != "" {
		return os.ReadFile(filepath.Join(k.dir, name))
	}
	switch name {
	case entryFile:
		entry, err := k.entry()
		if err != nil {
			return nil, err
		}
		return json.MarshalIndent(entry, "", "  ")
	case configFile:
		return replayed(k.Config).Encode()
	case factsFile:
		return k.Snapshot.Encode()
	}
	for _, file := range k.DropIns {
		switch filepath.Base(name) {
		case file.Name:
			return module(file)
		case sidecarOf(file.Name):
			return file.Sidecar.Encode(file.SHA256)
		}
	}
	return nil, fmt.Errorf("change %d has no file %s", k.Number, name)
}

// module is a drop-in's file, as long as it is there.
func module(file dropin.File) ([]byte, error) {
	wasm, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("the module that decided then is gone, which history.directory prevents: %w", err)
	}
	if !strings.HasSuffix(file.Name, ".gz") {
		return wasm, nil
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(wasm); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// replayed is a configuration from which the same is decided anywhere, from the files beside
// it: it follows nothing, and the primary interface is that of the facts.
func replayed(c config.Config) config.Config {
	given := config.Default()
	pods := config.PodsStatic
	if c.Facts.Pods == config.PodsNone {
		pods = config.PodsNone
	}
	c.Facts = given.Facts
	c.Facts.VPC, c.Facts.Pods, c.Facts.File, c.Facts.Record = config.VPCStatic, pods, factsFile, ""
	c.Kubernetes, c.Metrics, c.History, c.Log = given.Kubernetes, given.Metrics, given.History, given.Log
	c.Guard = given.Guard // nothing is held where nothing is installed
	c.Network.PrimaryInterface, c.Network.PrimaryAddress = given.Network.PrimaryInterface, given.Network.PrimaryAddress
	c.Policies.Directory, c.Policies.Cache = policies, ""
	return c
}
