package http_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/userfarm/userfarm/adapters/http"
	"github.com/userfarm/userfarm/domain"
)

// A filter is refused as invalid, or one that a store can be asked for.
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
		if !utf8.ValidString(q.Env + q.Domain + q.Login) {
			t.Errorf("got %q %q %q", q.Env, q.Domain, q.Login)
		}
	})
}
