package http_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// A query is rejected as invalid, or a store can carry it out.
func FuzzParseFilter(f *testing.F) {
	f.Add("")
	f.Add("limit=10&cursor=AaIHrd0xceyKUVsOSnoMEQ&status=free")
	f.Add("project_id=" + projectID + "&env=staging&domain=a.b&login=alice")
	f.Add("label=role:admin&label=plan:free&label=:")
	f.Add("env=%00&env=%ff&a=;&limit=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := http.ParseFilter(query)
		if err != nil {
			if !errors.Is(err, domain.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if q.Limit < 1 || q.Limit > 1000 {
			t.Errorf("got the limit %d", q.Limit)
		}
		for k, v := range q.Labels {
			if k == "" || !utf8.ValidString(k+v) {
				t.Errorf("got the label %q:%q", k, v)
			}
		}
		if !utf8.ValidString(q.Env + q.Domain + q.Login + q.Owner) {
			t.Errorf("got %q %q %q %q", q.Env, q.Domain, q.Login, q.Owner)
		}
	})
}

// A query is rejected as invalid, or a store can carry it out.
func FuzzParseEvents(f *testing.F) {
	f.Add("")
	f.Add("limit=10&cursor=4711&owner=ci-1")
	f.Add("kind=changed&kind=removed&login=alice&project_id=" + projectID + "&env=e&domain=d&order=desc")
	f.Add("kind=&kind=x&login=%ff&order=x&domain=%00")
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
		if !utf8.ValidString(q.Owner + q.Login + q.Env + q.Domain) {
			t.Errorf("got %q %q %q %q", q.Owner, q.Login, q.Env, q.Domain)
		}
		for _, kind := range q.Kinds {
			if !api.EventKind(kind).Valid() {
				t.Errorf("got the kind %q", kind)
			}
		}
	})
}

// A query is rejected as invalid, or a store can carry it out.
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
