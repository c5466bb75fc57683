package deploy

import (
	"fmt"
	"os"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/test/kube"
)

func TestMain(m *testing.M) {
	code, err := lab.Enter(func() int {
		defer kube.Close()
		return m.Run()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
	}
	os.Exit(code)
}
