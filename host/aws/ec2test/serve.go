package ec2test

import (
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// refusal is an error that the API answers with.
type refusal struct {
	status        int
	code, message string
}

// authorization is what a signed request has, with its region.
var authorization = regexp.MustCompile(
	`^AWS4-HMAC-SHA256 Credential=[^/ ]+/\d{8}/([^/ ]+)/ec2/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, refusal{http.StatusBadRequest, "MalformedQueryString", err.Error()})
		return
	}
	s.Handle(w, r, r.PostForm.Get("Action"), func(w http.ResponseWriter) { s.respond(w, r) })
}

// respond answers as the real service does when it works.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	signed := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		refuse(w, authFailure)
		return
	}
	s.region = signed[1]
	answer, err := s.answer(r.PostForm)
	if err != nil {
		refuse(w, *err)
		return
	}
	write(w, http.StatusOK, answer)
}

func (s *Server) answer(form url.Values) (any, *refusal) {
	switch action := form.Get("Action"); action {
	case RouteTables:
		return s.routeTables(form)
	case PrefixLists:
		return s.prefixLists(form)
	case PrefixListEntries:
		return s.prefixListEntries(form)
	case Peerings:
		return s.peerings(form)
	default:
		return nil, &refusal{http.StatusBadRequest, "InvalidAction", fmt.Sprintf("The action %s is not valid for this web service.", action)}
	}
}

// refuse answers with an error. Its request ID is another one each time.
func refuse(w http.ResponseWriter, e refusal) {
	type item struct {
		Code    string
		Message string
	}
	write(w, e.status, struct {
		XMLName   xml.Name `xml:"Response"`
		Errors    []item   `xml:"Errors>Error"`
		RequestID string
	}{Errors: []item{{e.code, e.message}}, RequestID: rand.Text()})
}

func write(w http.ResponseWriter, status int, answer any) {
	text, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // the types of this package can be marshalled
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("X-Amzn-Requestid", rand.Text())
	w.WriteHeader(status)
	// Who does not wait for it does not get it.
	_, _ = w.Write(append([]byte(xml.Header), text...))
}
