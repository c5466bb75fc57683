package main

import (
	"strings"
	"text/template"
	"unicode"
)

// functions are what the templates call.
var functions = template.FuncMap{
	"comment": func(mark string, parts ...string) string { return wrap(mark, strings.Join(parts, "")) },
	"when":    when,
	"golang":  func(f fact) goAccessor { return goAccessors[f.Type] },
	"snake":   func(name string) string { return strings.ToLower(underscored(name)) },
	"upper":   func(name string) string { return strings.ToUpper(underscored(name)) },
	"camel":   camel,
	"lower":   strings.ToLower,
	"text":    func() string { return "`" },
	// openC makes a wrapped comment whose lines begin with " *" one of C.
	"openC": func(comment string) string { return "/*" + strings.TrimPrefix(comment, " *") },
}

// goAccessor is what an accessor in Go calls and returns, and how the comment puts
// it.
type goAccessor struct{ Call, Returns, Note string }

var goAccessors = map[string]goAccessor{
	typeString:   {"Fact", "(string, bool)", "False if it is absent."},
	typeBool:     {"boolean", "(bool, error)", "An absent fact is false."},
	typeAddress:  {"address", "(netip.Addr, bool, error)", "False if it is absent."},
	typePrefixes: {"prefixes", "([]netip.Prefix, bool, error)", "False if it is absent; an empty list is not."},
}

// underscored splits a fact's key or a Go name into words with underscores
// between them: pod.label. is pod_label, MaxKey is Max_Key.
func underscored(name string) string {
	var out strings.Builder
	lower := false
	for _, r := range strings.TrimSuffix(name, ".") {
		if r == '.' {
			r = '_'
		}
		if unicode.IsUpper(r) && lower {
			out.WriteByte('_')
		}
		lower = unicode.IsLower(r)
		out.WriteRune(r)
	}
	return out.String()
}

// camel is a fact's key as a name that begins in lower case: pod.label. is podLabel.
func camel(key string) string {
	words := strings.Split(underscored(key), "_")
	for i := range words {
		if i > 0 {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// wrap returns text as a comment of lines that begin with mark, at 80 columns.
func wrap(mark, text string) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			out.WriteString(mark)
			column = len(mark)
		case column+1+len(word) > 80:
			out.WriteString("\n" + mark)
			column = len(mark)
		}
		out.WriteString(" " + word)
		column += 1 + len(word)
	}
	return out.String()
}

func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}
