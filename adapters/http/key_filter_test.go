package http_test

import (
	"errors"
	"testing"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

// A filter is refused as invalid, or one that a store can be asked for.
func FuzzParseKeyFilter(f *testing.F) {
	f.Add("")
	f.Add("limit=10&cursor=AaIHrd0xceyKUVsOSnoMEQ")
	f.Add("limit=0&limit=1&cursor=x")
	f.Add("cursor=AAAAAAAAAAAAAAAAAAAAAA&role=admin")
	f.Add("limit=99999999999999999999&cursor=%00;a")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := http.ParseKeys(query)
		if err != nil {
			if !errors.Is(err, domain.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if q.Limit < 1 || q.Limit > 1000 {
			t.Errorf("got the limit %d", q.Limit)
		}
	})
}
