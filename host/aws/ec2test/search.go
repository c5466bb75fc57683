package ec2test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// search is the page of items that fit all filters of a request, and the token
// for the next page. A filter fits if one of its values does.
func search[T any](s *Server, form url.Values, items []T, filters map[string]func(item T, value string) bool) ([]T, string, *refusal) {
	for i := 1; form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		name := form.Get(fmt.Sprintf("Filter.%d.Name", i))
		filter, ok := filters[name]
		if !ok {
			return nil, "", &refusal{http.StatusBadRequest, "InvalidParameterValue", fmt.Sprintf("The filter '%s' is invalid", name)}
		}
		accepted := values(form, fmt.Sprintf("Filter.%d.Value", i))
		items = keep(items, func(item T) bool {
			return slices.ContainsFunc(accepted, func(value string) bool { return filter(item, value) })
		})
	}
	return page(s, form, items)
}

// page is the page of items that a request asks for, and the token for the next.
func page[T any](s *Server, form url.Values, items []T) ([]T, string, *refusal) {
	size, start := s.pageSize, 0
	if text := form.Get("MaxResults"); text != "" {
		most, err := strconv.Atoi(text)
		if err != nil || most < 5 || most > 1000 {
			return nil, "", &refusal{http.StatusBadRequest, "InvalidParameterValue",
				fmt.Sprintf("Value ( %s ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", text)}
		}
		size = min(size, most)
	}
	if token := form.Get("NextToken"); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			start, err = strconv.Atoi(string(text))
		}
		if err != nil || start < 0 || start > len(items) {
			return nil, "", &refusal{http.StatusBadRequest, "InvalidNextToken", "The token is invalid"}
		}
	}
	end := min(start+size, len(items))
	if end == len(items) {
		return items[start:], "", nil
	}
	return items[start:end], base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))), nil
}

// values are those of a list in a request: "Name.1", "Name.2" and so on.
func values(form url.Values, name string) []string {
	var list []string
	for i := 1; form.Has(fmt.Sprintf("%s.%d", name, i)); i++ {
		list = append(list, form.Get(fmt.Sprintf("%s.%d", name, i)))
	}
	return list
}

func keep[T any](items []T, is func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !is(item) })
}

// fits tells that a text fits a filter's value, in which "*" stands for any text
// and "?" for any character unless a backslash is before them.
func fits(value, text string) bool {
	var pattern strings.Builder
	escaped := false
	for _, r := range value {
		switch {
		case escaped:
			pattern.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			pattern.WriteString(".*")
		case r == '?':
			pattern.WriteString(".")
		default:
			pattern.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(text)
}
