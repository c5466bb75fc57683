package test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png" // the screenshot
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/snatd/snatd/host/lab"
)

// Where only the node reaches the port the page is served there; elsewhere if the operator
// says so.
func TestPageIsLocal(t *testing.T) {
	for _, test := range []struct {
		metrics string
		code    int
	}{
		{"", http.StatusOK},
		{"metrics: {listen: '0.0.0.0:9477'}\n", http.StatusNotFound},
		{"metrics: {listen: '0.0.0.0:9477', page: true}\n", http.StatusOK},
	} {
		d := prepare(t)
		d.setConfig(baseConfig + test.metrics)
		d.run()
		d.waitReady()
		if code, body, err := d.get("/"); err != nil || code != test.code || strings.Contains(body, "<h1") != (code == http.StatusOK) {
			t.Errorf("%q: %v, %d, want %d\n%.300s", test.metrics, err, code, test.code, body)
		}
		d.stop(os.Interrupt)
	}
}

// A browser shows the page as a whole, styled, and has nothing to complain about. The form
// and each link of the matrix explain.
func TestPageInBrowser(t *testing.T) {
	needs(t, "chromium")
	d := start(t)
	d.write("policies.d/10-<b>broken.wasm", "this is not wasm")
	d.waitProblem("module 10-<b>broken.wasm")
	d.waitLoaded()
	node := d.browse("/?from=default/pod-a&to=" + lab.Internet.String())
	text := textOf(node)
	for _, want := range []string{
		"not healthy: module 10-<b>broken.wasm: the file name gives no precedence", "pods that are not known", "default/pod-b",
		"default/pod-a -> 198.51.100.20: translate, seen as 10.0.0.10", "outside the vpc", "agrees",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	link := ""
	for n := range node.Descendants() {
		if n.Data == "a" && strings.HasPrefix(attribute(n, "href"), "?from=default%2fpod-b&") {
			link = attribute(n, "href")
		}
	}
	if text := textOf(d.browse("/" + link)); !strings.Contains(text, "default/pod-b -> ") || !strings.Contains(text, "decided by") {
		t.Errorf("the link %q leads to\n%s", link, text)
	}
}

// browse opens a path of the metrics listener in a browser on the node and returns what is
// in its document then. What the browser says, or a page without colours, fails the test.
func (d *daemon) browse(path string) *html.Node {
	d.t.Helper()
	shot, profile := filepath.Join(d.t.TempDir(), "page.png"), d.t.TempDir()
	arguments := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + profile,
		"--window-size=1280,1600", "--hide-scrollbars", "--enable-logging=stderr", "--v=0"}
	url := "http://127.0.0.1:9477" + path
	run := func(more ...string) string {
		d.t.Helper()
		var out, said bytes.Buffer
		command := exec.Command("chromium", append(append(arguments, more...), url)...)
		command.Stdout, command.Stderr = &out, &said
		process, err := d.lab.Node.Start(command)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := process.Wait(); err != nil {
			d.t.Fatalf("chromium: %v\n%s", err, &said)
		}
		for line := range strings.Lines(said.String()) {
			if strings.Contains(line, ":CONSOLE") {
				d.t.Errorf("the browser says: %s", line)
			}
		}
		return out.String()
	}
	document, err := html.Parse(strings.NewReader(run("--dump-dom")))
	if err != nil {
		d.t.Fatal(err)
	}
	run("--screenshot=" + shot)
	if keep := os.Getenv("SNATD_TEST_SCREENSHOTS"); keep != "" {
		if text, err := os.ReadFile(shot); err != nil || os.WriteFile(filepath.Join(keep, fmt.Sprintf("page-%d.png", len(path))), text, 0o644) != nil {
			d.t.Errorf("the screenshot is lost: %v", err)
		}
	}
	file, err := os.Open(shot)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	picture, _, err := image.Decode(file)
	if err != nil {
		d.t.Fatal(err)
	}
	// Without the style sheet there are letters and links, and nothing red or green.
	coloured := map[string]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			switch r, g, b, _ := picture.At(x, y).RGBA(); {
			case r > 0xb000 && g < 0x4000 && b < 0x5000:
				coloured["bad"] = true
			case g > r+0x0400 && g > b+0x0400:
				coloured["exclude"] = true
			}
		}
	}
	if !coloured["bad"] || !coloured["exclude"] {
		d.t.Errorf("of the colours there are only %v", coloured)
	}
	return document
}

func textOf(node *html.Node) string {
	var text strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	}
	return text.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
