package legacy

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

// A body is read, or rejected as invalid. A body that looks like JSON is read the same way with every media type.
func FuzzBody(f *testing.F) {
	form := "application/x-www-form-urlencoded"
	f.Add("application/json", []byte(`{"user_id":"01a207ad-dd31-71ec-8a51-5b0e4a7a0c11","other":[1,{"a":null}],"user_id":2}`))
	f.Add("application/json", []byte(`[]`))
	f.Add(form, []byte("user_id=a&user_id=b&login=%41+%ff"))
	f.Add(form, []byte(`{"login":"a"}`))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"login\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add("multipart/form-data", []byte("--\r\n"))
	f.Add("text/plain;;", []byte("user_id=a"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		fields, err := bodyFields(contentType, body)
		if err != nil && !errors.Is(err, domain.ErrInvalid) {
			t.Fatalf("got %v", err)
		}
		if !strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
			return
		}
		asJSON, jsonErr := bodyFields("application/json", body)
		if !reflect.DeepEqual(fields, asJSON) || (err == nil) != (jsonErr == nil) {
			t.Fatalf("%q is read as %v, and as JSON as %v", contentType, fields, asJSON)
		}
	})
}
