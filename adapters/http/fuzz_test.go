package http_test

import (
	"bytes"
	"io"
	"maps"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// fuzzMethods has the methods of the routes, some that no route has, and an unknown one.
var fuzzMethods = []string{"GET", "POST", "PATCH", "DELETE", "HEAD", "PUT", "OPTIONS", "TRACE", "BREW"}

// Every answer to every request is described, and none is a failure of the farm.
func FuzzRoutes(f *testing.F) {
	paths := slices.Sorted(maps.Keys(contract().doc.Paths.Map()))
	paths = slices.DeleteFunc(paths, func(path string) bool { return path == "/v1/events/stream" }) // it never ends
	addFuzzSeeds(f, paths)

	c := newKeyedClient(f)
	key := c.newKey(`{"name":"ci","role":"tester"}`)
	user, _ := c.newUser("alice", map[string]string{"role": "admin"})
	c.newUser("bob", nil)
	lease := c.acquire(`{"users":[{"labels":{"role":"admin"}}]}`)
	transport := c.http.Transport.(contractTransport).next

	f.Fuzz(func(t *testing.T, method, path uint8, id, contentType, query string, body []byte) {
		switch id { // ids that a seed can't know
		case "lease":
			id = lease.LeaseID
		case "user":
			id = user.UserID
		case "key":
			id = key.KeyID
		}
		target := strings.NewReplacer("{lease_id}", url.PathEscape(id), "{user_id}", url.PathEscape(id), "{key_id}", url.PathEscape(id), "{import_id}", url.PathEscape(id)).
			Replace(paths[int(path)%len(paths)])
		req, err := nethttp.NewRequest(fuzzMethods[int(method)%len(fuzzMethods)], c.url+target, bytes.NewReader(body))
		if err != nil {
			return
		}
		req.URL.RawQuery = query
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Authorization", "Bearer "+c.token)
		if strings.ContainsAny(query, " #") || strings.ContainsFunc(contentType, unicode.IsControl) || req.Write(io.Discard) != nil {
			return // a request that no client can send
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := (&nethttp.Client{Transport: contractTransport{transport, t.Errorf}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 500 {
			t.Errorf("got status %d", resp.StatusCode)
		}
	})
}

// addFuzzSeeds adds a request to every route with every method, with the bodies of its examples and some invalid ones.
func addFuzzSeeds(f *testing.F, paths []string) {
	f.Helper()
	bodies := []string{"", "{}", "null", "[]", `{"users":[null]}`, `{"users":[{"user_id":1}],"ttl_seconds":1e9}`, "\xff", `{"a":"\ud800"}`}
	for i, path := range paths {
		for j, method := range fuzzMethods {
			id := "user"
			if strings.Contains(path, "lease_id") {
				id = "lease"
			}
			if strings.Contains(path, "key_id") {
				id = "key"
			}
			operation := contract().doc.Paths.Value(path).GetOperation(method)
			if operation == nil || operation.RequestBody == nil {
				f.Add(uint8(j), uint8(i), id, "", "", []byte(nil))
				continue
			}
			if content := operation.RequestBody.Value.Content["application/json"]; content != nil {
				for _, example := range content.Examples {
					f.Add(uint8(j), uint8(i), id, "application/json", "", []byte(encode(f, example.Value.Value)))
				}
			}
			for _, body := range bodies {
				f.Add(uint8(j), uint8(i), id, "application/json", "", []byte(body))
			}
			f.Add(uint8(j), uint8(i), "nonsense", "text/plain", "x=%zz", []byte("x"))
		}
	}
	list := uint8(slices.Index(paths, "/v1/users"))
	f.Add(uint8(0), list, "", "", "project_id="+projectID+"&env=staging&domain=d&login=a&status=free&label=a:b&owner=o&order=desc&limit=3&cursor=x", []byte(nil))
	f.Add(uint8(0), list, "", "", "label=%00:%ff&limit=-1&a;b", []byte(nil))
	imports, lines := uint8(slices.Index(paths, "/v1/users/import")), contract().doc.Components.Examples["ImportedUsers"].Value.Value.(string)
	for _, query := range []string{"", "dry_run=true", "partial=true", "import_id=" + someID + "&first_row=1", "first_row=0&partial=x"} {
		f.Add(uint8(slices.Index(fuzzMethods, "POST")), imports, "", "application/x-ndjson", query, []byte(lines+"\xff\n{}\n[]"))
	}
	events := uint8(slices.Index(paths, "/v1/events"))
	f.Add(uint8(0), events, "", "", "user_id="+someID+"&owner=o&since=2026-11-23T09:30:00%2B01:00&limit=3&cursor=1", []byte(nil))
	f.Add(uint8(0), events, "", "", "since=0000-01-01T00:00:00Z&cursor=9223372036854775807&owner=%00", []byte(nil))
	f.Add(uint8(0), events, "", "", "kind=changed&kind=created&login=A&project_id="+projectID+"&env=e&domain=d&order=desc&cursor=9", []byte(nil))
	keys := uint8(slices.Index(paths, "/v1/keys"))
	f.Add(uint8(0), keys, "", "", "limit=3&cursor=AaIHrd0xceyKUVsOSnoMEQ", []byte(nil))
	f.Add(uint8(0), keys, "", "", "limit=-1&cursor=%00", []byte(nil))
	create := uint8(slices.Index(paths, "/create_user"))
	f.Add(uint8(1), create, "", "application/x-www-form-urlencoded", "env=e&project_id="+projectID, []byte("login=%ff&password=b&domain=c"))
	f.Add(uint8(1), create, "", "multipart/form-data; boundary=b", "",
		[]byte("--b\r\nContent-Disposition: form-data; name=\"login\"\r\n\r\nx\r\n--b--\r\n"))
}
