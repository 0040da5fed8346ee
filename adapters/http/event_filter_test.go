package http_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

// A filter is refused as invalid, or one that a store can be asked for.
func FuzzParseEvents(f *testing.F) {
	f.Add("")
	f.Add("limit=10&cursor=4711&owner=ci-1")
	f.Add("user_id=" + someID + "&since=2026-11-23T09:30:00.123456Z")
	f.Add("since=0000-01-01T00:00:00%2B14:00&cursor=0")
	f.Add("owner=%00&owner=%ff&a=;&cursor=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := http.ParseEvents(query)
		if err != nil {
			if !errors.Is(err, domain.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if q.Limit < 1 || q.Limit > 1000 || q.After < 0 {
			t.Errorf("got the limit %d and the event %d", q.Limit, q.After)
		}
		if year := q.Since.UTC().Year(); year < 1 || year > 9999 {
			t.Errorf("got the year %d", year)
		}
		if !utf8.ValidString(q.Owner) {
			t.Errorf("got %q", q.Owner)
		}
	})
}
