package sdk

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
)

// panicError describes a panic that the deferred function of call recovered:
// its text, and where it came from, innermost place first.
func panicError(value any) error {
	text := "panic: " + panicText(value)
	if places := panicPlaces(); len(places) > 0 {
		text += " (" + strings.Join(places, ", ") + ")"
	}
	return errors.New(text)
}

// panicText renders what policies panic with, without fmt.
func panicText(value any) string {
	switch value := value.(type) {
	case error:
		return value.Error()
	case interface{ String() string }:
		return value.String()
	case string:
		return value
	case int:
		return strconv.Itoa(value)
	}
	return "a value that is not text"
}

// Names in a stack: what lies between the panic and call is the policy's, but
// for the runtime's functions and this package's.
const (
	runtimePrefix = "runtime."
	packagePrefix = "github.com/snatd/snatd/sdk."
	callName      = packagePrefix + "call"
	maxPlaces     = 4
)

// panicPlaces returns "folder/file.go:line" of the innermost functions that were
// running. More than one, because a panic often comes out of a library.
func panicPlaces() []string {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers[:])])
	var places []string
	panicked := false // the frames before are those of this description
	for len(places) < maxPlaces {
		frame, more := frames.Next()
		switch {
		case frame.Function == callName:
			return places
		case frame.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(frame.Function, runtimePrefix) && !strings.HasPrefix(frame.Function, packagePrefix):
			places = append(places, shortPath(frame.File)+":"+strconv.Itoa(frame.Line))
		}
		if !more {
			break
		}
	}
	return places
}

// shortPath keeps the last folder and the file name: enough to find the file,
// and the same wherever the module was built.
func shortPath(path string) string {
	file := strings.LastIndexByte(path, '/')
	if file < 0 {
		return path
	}
	return path[strings.LastIndexByte(path[:file], '/')+1:]
}
