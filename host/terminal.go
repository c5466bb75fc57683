package main

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// terminal is what a command writes to, as far as that is one.
type terminal struct{ file *os.File }

// terminalOf is the terminal behind out; nil if that is a pipe or a file.
func terminalOf(out io.Writer) *terminal {
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	if _, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); err != nil {
		return nil
	}
	return &terminal{file}
}

// coloured says whether colours are welcome, as https://no-color.org has it.
func (t *terminal) coloured() bool {
	return t != nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// height is how many lines fit; 24 where the terminal does not say.
func (t *terminal) height() int {
	size, err := unix.IoctlGetWinsize(int(t.file.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Row == 0 {
		return 24
	}
	return int(size.Row)
}

// visible is a text of others, without what a terminal might obey.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}
