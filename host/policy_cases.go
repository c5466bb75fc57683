package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/watch"
)

func policyTestCommand() *cobra.Command {
	var flags limitFlags
	var options author.Options
	var again bool
	command := &cobra.Command{
		Use:   "test [FILE|FOLDER]...",
		Short: "hold a module against cases: who goes where, and what must become of it",
		Long: `Test asks a module the questions in files of cases, in the daemon's own sandbox, and
compares its answers with those that are expected. A folder stands for the files
NAME_test.yaml in it; without arguments it is this one. Such a file has

  module          path of the module (default NAME.wasm); paths begin at the file's folder
  sidecar         path of the sidecar (default the one beside the module, if it exists)
  facts           facts as in the static facts file, or
  factsFile       the path of one (default a small example of a node)
  primaryAddress  of the node (default 10.0.0.10)
  addresses       others of the primary interface, a list
  external        true if something outside of the node translates
  excludeCIDRs    what the operator never translates to, as in snat, a list
  cases           a list:
    name          what is shown (default the question)
    from          a pod as NAMESPACE/NAME, or node, for pods that are not known (default)
    to            the destination, an IPv4 address
    action        what must become of it: exclude, translate, or none, if the module must
                  have nothing to say
    source        the address that it must be translated to; not asked if it is absent
    reason        that the module must give; not asked if it is absent
    fails         in place of the three: a part of the message with which the module must
                  fail, when it is loaded or when it is asked
    facts, factsFile, external, excludeCIDRs
                  for this case, in the place of those above
    config        settings for this case, in the place of the sidecar's

For each file it tells which facts the module read; which of them are in no case, so that
what follows from them is not tested; and which facts and settings it never read.

Exit code 0: all answers are as expected; 1: some are not; 2: a file is wrong.

With -o json, a list of an object for each file: file, module, sha256; failed, a number;
cases, a list of name, line, question, ok, want, got, reads and change; coverage, with
the lists read, absent, idle (declared by snatd policy annotate, and never read), unread
and mistyped. Want and got have action, prefix, source, reason and error.`,
		Example: `  snatd policy test
  snatd policy test 20-partners_test.yaml --watch`,
	}
	flags.add(command)
	command.Flags().BoolVar(&again, "watch", false, "test again whenever one of the files changes, until interrupted")
	output := addOutput(command, "text", "json")
	keepOnly(command)
	command.RunE = func(command *cobra.Command, arguments []string) error {
		var err error
		if options.Deadline, options.Memory, err = flags.value(); err != nil {
			return err
		}
		options.PrimaryAddress = author.DefaultPrimaryAddress
		ctx, out := command.Context(), command.OutOrStdout()
		once := func() error { return testFiles(ctx, out, arguments, options, output.value) }
		if again {
			return whenChanged(ctx, out, arguments, once)
		}
		return once()
	}
	return command
}

// testFiles runs all cases once, and prints what came of them. The error is an exitCode,
// but for what says nothing about the files.
func testFiles(ctx context.Context, out io.Writer, arguments []string, options author.Options, format string) error {
	wrong := func(err error) error {
		fmt.Fprintln(os.Stderr, "snatd:", err)
		return exitCode(2)
	}
	files, err := caseFiles(arguments)
	if err != nil {
		return wrong(err)
	}
	reports := []author.TestReport{}
	failed := 0
	for _, file := range files {
		report, err := author.Test(ctx, file, options)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return wrong(err)
		}
		failed += report.Failed
		reports = append(reports, report)
	}
	if format == "json" {
		err = writeJSON(out, reports)
	} else {
		err = printTests(out, reports)
	}
	if err == nil && failed > 0 {
		err = exitCode(1)
	}
	return err
}

// caseFiles are the files with cases that the arguments stand for.
func caseFiles(arguments []string) ([]string, error) {
	if len(arguments) == 0 {
		arguments = []string{"."}
	}
	var files []string
	for _, path := range arguments {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		list := []string{path}
		if info.IsDir() {
			if list, err = author.TestFiles(path); err != nil {
				return nil, err
			}
		}
		files = append(files, list...)
	}
	return files, nil
}

// whenChanged tests now, and whenever one of the files may have changed, until ctx ends.
// The error is then that of the last time.
func whenChanged(ctx context.Context, out io.Writer, arguments []string, once func() error) (err error) {
	for ctx.Err() == nil {
		err = untilChanged(ctx, out, arguments, once)
		if code := exitCode(0); err != nil && !errors.As(err, &code) {
			break
		}
	}
	if errors.Is(err, context.Canceled) { // in the middle of a test
		err = nil
	}
	return err
}

// untilChanged tests once, and returns when one of the files may have changed, or ctx ends.
func untilChanged(ctx context.Context, out io.Writer, arguments []string, once func() error) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := watchedPaths(arguments)
	ticks, err := watch.Files(watching, slog.New(slog.DiscardHandler), watched...)
	if err != nil {
		return err
	}
	err = once()
	// What the files name may be another than when the watch began: it begins again then.
	if slices.Equal(watched, watchedPaths(arguments)) {
		fmt.Fprintln(out, "waiting for a change")
		select {
		case <-ctx.Done():
		case <-ticks:
		}
	}
	return err
}

// watchedPaths are the files that tests follow from, as far as that can be told.
func watchedPaths(arguments []string) []string {
	list := slices.Clone(arguments)
	if len(list) == 0 {
		list = append(list, ".")
	}
	files, _ := caseFiles(arguments) // what is wrong is told by testing
	for _, file := range files {
		list = append(list, author.TestPaths(file)...)
	}
	return list
}

func printTests(out io.Writer, reports []author.TestReport) error {
	var text strings.Builder
	cases, failed := 0, 0
	for _, r := range reports {
		fmt.Fprintf(&text, "%s: %s %.12s\n", r.File, r.Module, r.SHA256)
		for _, c := range r.Cases {
			printCase(&text, r.File, c)
		}
		printCoverage(&text, r.Coverage)
		cases, failed = cases+len(r.Cases), failed+r.Failed
	}
	if failed > 0 {
		fmt.Fprintf(&text, "%d of %d cases failed\n", failed, cases)
	} else {
		fmt.Fprintf(&text, "%d cases are as expected\n", cases)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func printCase(text *strings.Builder, file string, c author.CaseResult) {
	if c.OK {
		fmt.Fprintf(text, "  ok      %s\n", visible(c.Name))
		return
	}
	line := func(label, format string, values ...any) {
		fmt.Fprintf(text, "          %-10s %s\n", label, visible(fmt.Sprintf(format, values...)))
	}
	fmt.Fprintf(text, "  failed  %s\n", visible(c.Name))
	line("case", "%s:%d, %s", file, c.Line, c.Question)
	line("want", "%s", c.Want)
	line("got", "%s", c.Got)
	for i, read := range c.Reads {
		line(label(i, "facts read"), "%s", strings.TrimSpace(read.String()))
	}
	if c.Change != "" {
		line("to change", "%s", c.Change)
	}
}

func printCoverage(text *strings.Builder, c author.Coverage) {
	for _, list := range []struct {
		label string
		words []string
	}{
		{"facts read", c.Read}, {"read, in no case", c.Absent}, {"declared, never read", c.Idle}, {"never read", c.Unread},
	} {
		if len(list.words) > 0 {
			fmt.Fprintf(text, "  %s: %s\n", list.label, visible(strings.Join(list.words, ", ")))
		}
	}
	for _, mistyped := range c.Mistyped {
		fmt.Fprintf(text, "  warning: %s\n", visible(mistyped))
	}
}
