package read

import (
	"reflect"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
)

const plainAcquire = `{"users": [{"project_id": "019a1f6e-8c5b-7e10-9f43-2a8b7c6d5e4f", "env": "staging", "domain": "shop.example.com",
	"labels": {"role": "admin", "plan": ""}}, {"user_id":"019A1F6E-8C5B-7E10-9F43-2A8B7C6D5E4F"}, {}, {"labels":{}}],
	"owner": "ci-4711/worker-3", "note": "checkout", "ttl_seconds": 600, "wait_seconds": 30}`

func TestAPlainAcquireIsReadWithoutTheDecoder(t *testing.T) {
	want, terms, ok := readPlainAcquire(plainAcquire)
	id := domain.UserID{0x01, 0x9a, 0x1f, 0x6e, 0x8c, 0x5b, 0x7e, 0x10, 0x9f, 0x43, 0x2a, 0x8b, 0x7c, 0x6d, 0x5e, 0x4f}
	wanted := []domain.Selector{
		{ProjectID: domain.ProjectID(id), Env: "staging", Domain: "shop.example.com", Labels: domain.Labels{"role": "admin", "plan": ""}},
		{UserID: id}, {}, {Labels: domain.Labels{}},
	}
	asked := domain.Terms{Owner: "ci-4711/worker-3", Note: "checkout", TTL: 10 * time.Minute, Wait: 30 * time.Second}
	if !ok || !reflect.DeepEqual(want, wanted) || terms != asked {
		t.Errorf("got %+v, %+v, %t", want, terms, ok)
	}
	for _, body := range []string{`{"users":[{}]}`, " {\r\n\"wait_seconds\" :\t0 , \"users\":[ { } ]\n} "} {
		if _, _, ok := readPlainAcquire(body); !ok {
			t.Errorf("the decoder reads %s", body)
		}
	}
}

func TestAPlainAcquireIsReadWithFewAllocations(t *testing.T) {
	const body = `{"users":[{"project_id":"019a1f6e-8c5b-7e10-9f43-2a8b7c6d5e4f","env":"staging"}],"owner":"ci-4711","ttl_seconds":600}`
	if n := testing.AllocsPerRun(100, func() { _, _, _ = readPlainAcquire(body) }); n > 2 {
		t.Errorf("%v allocations, want 2: the selectors and the owner", n)
	}
}

// Whatever is read without the decoder is what the decoder reads.
func FuzzReadPlainAcquire(f *testing.F) {
	f.Add(plainAcquire)
	for _, body := range []string{
		"", "{", "{}", "[]", "null", `{"users":[{}]}`, `{"users":[{}]}{}`, `{"users":[{}]} x`, `{"users":[]}`, `{"users":[{},]}`, `{"users":[{}],}`,
		`{"users":null}`, `{"users":[null]}`, `{"users":[{}],"users":[{}]}`, `{"users":[{"env":"a","env":"b"}]}`, `{"users":[{"x":1}]}`,
		`{"users":[{"labels":{"a":"1","a":"2"}}]}`, `{"users":[{"labels":{"a":"1"}}]}`, `{"users":[{"labels":{"":""}}]}`, `{"users":[{"labels":null}]}`,
		`{"users":[{"env":""}]}`, `{"users":[{"domain":""}]}`, `{"users":[{"user_id":""}]}`, `{"users":[{"user_id":"00000000-0000-0000-0000-000000000000"}]}`,
		`{"users":[{"project_id":"019a1f6e8c5b7e109f432a8b7c6d5e4f"}]}`, `{"users":[{"user_id":"{19a1f6e-8c5b-7e10-9f43-2a8b7c6d5e4}"}]}`,
		`{"users":[{}],"owner":"\u0041"}`, `{"users":[{}],"owner":"é"}`, "{\"users\":[{}],\"owner\":\"\xff\"}", "{\"users\":[{}],\"owner\":\"\n\"}",
		"{\"users\":[{}],\"owner\":\"\x7f\"}", `{"users":[{}],"owner":1}`, `{"users":[{}],"owner":null}`, `{"users":[{}],"owner":"","owner":""}`,
		`{"users":[{}],"ttl_seconds":0}`, `{"users":[{}],"ttl_seconds":00}`, `{"users":[{}],"ttl_seconds":01}`, `{"users":[{}],"ttl_seconds":-1}`,
		`{"users":[{}],"ttl_seconds":1e2}`, `{"users":[{}],"ttl_seconds":1.0}`, `{"users":[{}],"ttl_seconds":999999999}`, `{"users":[{}],"ttl_seconds":2147483647}`,
		`{"users":[{}],"ttl_seconds":2147483648}`, `{"users":[{}],"ttl_seconds":}`, `{"users":[{}],"wait_seconds":0}`, `{"users":[{}],"wait_seconds":"1"}`,
		`{"users":[{}],"Owner":"x"}`, `{"us\u0065rs":[{}]}`, `{"users"::[{}]}`, `{"users":[{}]"owner":"x"}`, "\ufeff" + `{"users":[{}]}`, "\v{\"users\":[{}]}",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		want, terms, ok := readPlainAcquire(body)
		if !ok {
			return
		}
		decoded, asked, err := decodeAcquire([]byte(body))
		if err != nil {
			t.Fatalf("%q is read, but %v", body, err)
		}
		if !reflect.DeepEqual(want, decoded) || terms != asked {
			t.Errorf("%q is read as %+v, %+v, but it says %+v, %+v", body, want, terms, decoded, asked)
		}
	})
}

func BenchmarkAcquire(b *testing.B) {
	const body = `{"users":[{"project_id":"019a1f6e-8c5b-7e10-9f43-2a8b7c6d5e4f","env":"staging"}],"owner":"ci-4711","ttl_seconds":600}`
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			readPlainAcquire(body)
		}
	})
	b.Run("decoded", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = decodeAcquire([]byte(body))
		}
	})
}
