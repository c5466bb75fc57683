package aws

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snatd/snatd/host/document"
)

// apiLimit is the size in bytes that one answer of the API may have. The largest
// that exists, a route table with 1,000 routes, has about 300 KiB.
const apiLimit = 4 << 20

// apiTransport sends the requests of one look after the other. It remembers how
// the last one went, as the SDK's errors do not always tell.
type apiTransport struct {
	client sdk.HTTPClient
	// action is what the answer has to be about.
	action string
	last   exchange
}

// Do makes a request. The SDK takes any XML for an answer, and nothing at all for
// an empty one: a proxy's page would say that all networks are gone. So an answer
// is read here, whole, and has to be one of the API.
func (t *apiTransport) Do(request *http.Request) (*http.Response, error) {
	t.last = exchange{}
	response, err := t.client.Do(request)
	if err != nil {
		t.last.err = err
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, apiLimit))
	response.Body.Close()
	if err == nil && response.StatusCode/100 == 2 {
		err = t.check(body)
	}
	if err != nil {
		t.last.err = err
		return nil, err
	}
	t.last.status = response.StatusCode
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// check checks that an answer is well-formed and of the right kind.
func (t *apiTransport) check(body []byte) error {
	var answer struct{ XMLName xml.Name }
	switch err := xml.Unmarshal(body, &answer); {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("an empty answer, accepted: %sResponse", t.action)
	case err != nil:
		return errors.New("not XML: " + err.Error())
	case answer.XMLName.Local != t.action+"Response":
		return fmt.Errorf("the answer is %s, accepted: %sResponse", document.Quote(answer.XMLName.Local), t.action)
	}
	return nil
}
