package api

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/fresh"
)

// TestReference holds README.md against the endpoints and the comments of what they answer
// with.
func TestReference(t *testing.T) {
	fresh.Check(t, "README.md", (&reference{t: t, told: map[reflect.Type]bool{}}).String(), "go test ./host/api -run Reference -write")
}

const introduction = `<!-- Made from endpoint.go and the comments of what is answered by: go test ./host/api -run Reference -write -->

# The local API

HTTP over the unix socket of the running daemon, ` + "`socket`" + ` in the configuration, ` + "`/run/snatd/snatd.sock`" + ` by default. Root may ask, and
the members of ` + "`socketGroup`" + ` if it is set. Nothing is changed by asking, but by an approval, which is root's alone. ` + "`snatd status`," + `
` + "`explain`, `flows`, `facts`, `history`, `plan` and `approve`" + ` are clients of it, and so is curl; the host in the URL does not matter:

    $ curl -fsS --unix-socket /run/snatd/snatd.sock http://snatd/v1/status
    $ curl -fsS --unix-socket /run/snatd/snatd.sock 'http://snatd/v1/explain?from=default/web-1&to=198.51.100.20'
    $ curl -fsS --unix-socket /run/snatd/snatd.sock 'http://snatd/v1/flows?limit=100'
    $ curl -fsS --unix-socket /run/snatd/snatd.sock http://snatd/v1/facts
    $ curl -fsS --unix-socket /run/snatd/snatd.sock http://snatd/v1/ruleset
    $ curl -fsS --unix-socket /run/snatd/snatd.sock http://snatd/v1/installed
    $ curl -fsS --unix-socket /run/snatd/snatd.sock http://snatd/v1/history
    $ curl -fsS --unix-socket /run/snatd/snatd.sock 'http://snatd/v1/history/bundle?at=1'

What is wrong is told by the status and, in one line, by the body:

    $ curl -sS --unix-socket /run/snatd/snatd.sock 'http://snatd/v1/explain?from=default/nobody&to=198.51.100.20'
    {
      "error": "from: no pod \"default/nobody\" with an address on this node"
    }

| status | when |
| --- | --- |
| 200 | the answer is complete |
| 400 | a parameter is missing, unknown, given twice, or not accepted; a pod that is not known |
| 403 | an approval by somebody else than root |
| 404 | there is no such path, or no such change |
| 405 | the method is not the path's |
| 409 | what is to be approved is not what is held |
| 431 | the request is larger than 16 KiB |
| 503 | nothing is decided yet; the kernel does not answer; or too many are asking |

` + "`error`" + ` is for people: its words may change. Paths begin with the version. In version 1, fields may be added, and never vanish or change their
meaning; a field marked *(opt.)* is absent where it has nothing to say. Times are RFC 3339, ` + "`0001-01-01T00:00:00Z`" + ` is never.

The daemon's work never waits for a client. A connection is for one request, which has to be there within a second, and is answered and read within ten.
256 connections are open at the same time, and of each path 8 answers are made at the same time, of large ones 2; more wait, for
some seconds at most.
`

// reference writes README.md.
type reference struct {
	strings.Builder
	t *testing.T
	// told are the types that have a table, and next those that need one.
	told map[reflect.Type]bool
	next []reflect.Type
	// comments are those of fields, by package, type and field.
	comments map[string]map[string]string
}

func (r *reference) String() string {
	r.WriteString(introduction)
	r.comments = map[string]map[string]string{}
	for _, e := range endpoints {
		fmt.Fprintf(r, "\n## %s %s\n\n%s%s.\n", e.method(), e.path, strings.ToUpper(e.does[:1]), e.does[1:])
		if len(e.parameters) > 0 {
			r.WriteString("\n| parameter | accepted |\n| --- | --- |\n")
			for _, p := range e.parameters {
				optional := ""
				if p.optional {
					optional = " *(opt.)*"
				}
				fmt.Fprintf(r, "| `%s`%s | %s |\n", p.name, optional, p.accepted)
			}
		}
		if e.large {
			r.WriteString("\nThe answer may be large.\n")
		}
		if shape := reflect.TypeOf(e.shape); shape != reflect.TypeOf(document{}) {
			fmt.Fprintf(r, "\nAnswers with %s.\n", r.nameOf(shape))
			r.tables()
		}
	}
	return r.Builder.String()
}

// tables describes the types that were named and not described yet.
func (r *reference) tables() {
	for len(r.next) > 0 {
		shape := r.next[0]
		r.next = r.next[1:]
		fmt.Fprintf(r, "\n### %s\n\n| field | type | meaning |\n| --- | --- | --- |\n", title(shape))
		r.rows(shape)
	}
}

// rows describes the fields of a struct. Fields without a comment of their own share the
// row of the one before.
func (r *reference) rows(shape reflect.Type) {
	var names, types []string
	meaning := ""
	end := func() {
		if len(names) > 0 {
			fmt.Fprintf(r, "| %s | %s | %s |\n", strings.Join(names, "<br>"), strings.Join(types, "<br>"), meaning)
		}
		names, types = nil, nil
	}
	for i := range shape.NumField() {
		field := shape.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			end()
			r.rows(field.Type)
			continue
		}
		if !field.IsExported() || name == "-" {
			continue
		}
		if comment := r.comment(shape, field.Name); comment != "" {
			end()
			meaning = inJSON(comment, shape)
		} else if len(names) == 0 {
			r.t.Errorf("%s.%s has no comment", shape, field.Name)
		}
		name = "`" + cmp.Or(name, field.Name) + "`"
		if options != "" {
			name += " *(opt.)*"
		}
		names, types = append(names, name), append(types, r.nameOf(field.Type))
	}
	end()
}

// inJSON is a comment with the names that fields have in JSON.
func inJSON(comment string, shape reflect.Type) string {
	comment = strings.ReplaceAll(comment, "|", `\|`)
	for i := range shape.NumField() {
		field := shape.Field(i)
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			comment = regexp.MustCompile(`\b`+field.Name+`\b`).ReplaceAllString(comment, "`"+name+"`")
		}
	}
	return comment
}

// nameOf says what is in the JSON of a type.
func (r *reference) nameOf(shape reflect.Type) string {
	if _, ok := shape.MethodByName("MarshalText"); ok && shape.Kind() != reflect.Pointer {
		return map[string]string{"Time": "time", "Addr": "address", "Prefix": "prefix", "AddrPort": "address:port"}[shape.Name()]
	}
	switch shape.Kind() {
	case reflect.Pointer:
		return r.nameOf(shape.Elem())
	case reflect.Slice:
		return "list of " + r.nameOf(shape.Elem())
	case reflect.Struct:
		if !r.told[shape] {
			r.told[shape] = true
			r.next = append(r.next, shape)
		}
		return fmt.Sprintf("[%s](#%s)", title(shape), strings.ToLower(title(shape)))
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return "number"
	}
	r.t.Errorf("%s is not described", shape)
	return ""
}

// title tells types of the same name in two packages apart.
func title(shape reflect.Type) string {
	if path := filepath.Base(shape.PkgPath()); path != "api" && path != "engine" {
		return strings.ToUpper(path[:1]) + path[1:] + shape.Name()
	}
	return shape.Name()
}

// comment is the one of a field, in one line.
func (r *reference) comment(shape reflect.Type, field string) string {
	path := shape.PkgPath()
	if r.comments[path] == nil {
		r.comments[path] = comments(r.t, filepath.Join("../..", strings.TrimPrefix(path, "github.com/snatd/snatd/")))
	}
	return r.comments[path][shape.Name()+"."+field]
}

// comments are those of the fields of a package's structs, by "Type.Field".
func comments(t *testing.T, folder string) map[string]string {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(files), err)
	}
	all := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if shape, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range shape.Fields.List {
					text := field.Doc.Text() + " " + field.Comment.Text()
					for _, name := range field.Names {
						all[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
					}
				}
			}
			return false
		})
	}
	return all
}
