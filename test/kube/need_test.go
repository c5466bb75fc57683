package kube

import (
	"fmt"
	"path/filepath"
	"testing"
)

// verdict notes how a test would end.
type verdict struct {
	*program
	how string
}

func (v *verdict) Fatal(args ...any) { v.end("failed", args) }
func (v *verdict) Skip(args ...any)  { v.end("skipped", args) }

func (v *verdict) end(how string, args []any) {
	v.how = how
	v.program.Fatal(args...)
}

func TestNeed(t *testing.T) {
	Need(t)
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ci, want string }{
		{ci: "", want: "skipped"},
		{ci: "true", want: "failed"},
	} {
		t.Run(c.want, func(t *testing.T) {
			cache := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", cache)
			t.Setenv("CI", c.ci)
			v := &verdict{program: &program{ctx: t.Context()}}
			step(func() { Need(v) })
			want := fmt.Sprintf("stat %s/snatd/%s/etcd: no such file or directory: run make kube-apiserver, once",
				cache, filepath.Base(dir))
			if v.how != c.want || v.err == nil || v.err.Error() != want {
				t.Errorf("%s: %v\nwant %s: %s", v.how, v.err, c.want, want)
			}
		})
	}
}
