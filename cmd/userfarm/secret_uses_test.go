package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// useEverything calls every route and command, and provokes every kind of error, with secrets in every place that may contain one.
func useEverything(w *secretCheck) {
	w.t.Helper()
	keepUsers(w)
	takeUsers(w)
	useLegacyRoutes(w)
	keepKeys(w)
	useWrongKeys(w)
	useCommands(w)
	lookAround(w)
}

func keepUsers(w *secretCheck) {
	w.t.Helper()
	call, ann := w.uuid("idempotency key"), w.user("ann", w.password(), "totp_secret", w.totp())
	id := w.decode(w.answered("POST", "/v1/users", ann, "Idempotency-Key", call))["user_id"]
	w.answered("POST", "/v1/users", ann, "Idempotency-Key", call)
	w.answered("POST", "/v1/users", w.user("bob", w.password(), "totp_secret",
		"otpauth://totp/shop:bob?digits=8&period=60&algorithm=SHA256&secret="+w.totp()))
	w.refused("POST", "/v1/users", w.user("cat", w.password()), "Idempotency-Key", call)                            // another call
	w.refused("POST", "/v1/users", w.user("cat", w.password()), "Idempotency-Key", w.uuid("bad key")+"\xff")        // no key
	w.refused("POST", "/v1/users", w.user("ann", w.password(), "totp_secret", w.totp()))                            // exists
	w.refused("POST", "/v1/users", w.user("", w.password()))                                                        // no login
	w.refused("POST", "/v1/users", w.user("cat", w.password()+"\x00"))                                              // bad password
	w.refused("POST", "/v1/users", w.user("cat", strings.Repeat(w.password(), 100)))                                // too long
	w.refused("POST", "/v1/users", w.user("cat", "x", "totp_secret", w.totp()+"018"))                               // no base32
	w.refused("POST", "/v1/users", w.user("cat", "x", "totp_secret", "otpauth://hotp/x?secret="+w.totp()))          // no TOTP
	w.refused("POST", "/v1/users", w.user("cat", "x", "totp_secret", "otpauth://totp/x?digits=0&secret="+w.totp())) // bad digits
	w.refused("POST", "/v1/users", w.user("cat", w.password(), "color", w.password()))                              // unknown field
	w.refused("POST", "/v1/users", w.user("cat", w.password())[1:])                                                 // no JSON
	w.refused("POST", "/v1/users", `{"login":"cat","password":["`+w.uuid("password in a list")+`"]}`)               // no text
	w.refused("POST", "/v1/users", `{"password":"`+w.uuid("password given twice")+`","password":"x"}`)              // twice
	w.refused("POST", "/v1/users", w.user("cat", w.password()), "Content-Type", "text/plain")                       // no JSON
	w.refused("POST", "/v1/users", w.user("cat", w.password()+strings.Repeat("x", 2<<20)))                          // too large
	w.refused("POST", "/v1/users?password="+url.QueryEscape(w.password()), w.user("cat", "x"))                      // unknown parameter
	w.refused("GET", "/v1/users?password="+w.uuid("password in a query"), "")                                       // unknown parameter
	w.refused("GET", "/v1/users/"+w.uuid("password in a path")+"x", "")                                             // no id
	w.refused("GET", "/"+w.uuid("password in an unknown path"), "")                                                 // no route
	w.refused("PUT", "/v1/users", w.user("cat", w.password()))                                                      // no method

	w.answered("PATCH", "/v1/users/"+id, w.encode(map[string]string{"password": w.password(), "totp_secret": w.totp()}))
	w.refused("PATCH", "/v1/users/"+id, w.encode(map[string]string{"password": w.password() + "\n"}))
	w.refused("PATCH", "/v1/users/"+id, w.encode(map[string]string{"totp_secret": w.totp() + "1"}))
	w.refused("PATCH", "/v1/users/"+project, w.encode(map[string]string{"password": w.password()}))
	w.answered("GET", "/v1/users/"+id, "")
}

func takeUsers(w *secretCheck) {
	w.t.Helper()
	call := w.uuid("idempotency key")
	acquire := `{"users":[{"project_id":"` + project + `","env":"stage"}],"owner":"test","note":"a note"}`
	got := w.answeredSecret("POST", "/v1/leases", acquire, "Idempotency-Key", call)
	w.answeredSecret("POST", "/v1/leases", acquire, "Idempotency-Key", call)
	w.refused("POST", "/v1/leases", wanted, "Idempotency-Key", call)
	var lease struct {
		LeaseID string `json:"lease_id"`
		Users   []struct {
			UserID string `json:"user_id"`
		}
	}
	if err := json.Unmarshal([]byte(got), &lease); err != nil || len(lease.Users) != 1 {
		w.t.Fatalf("no lease: %v", err)
	}
	w.remember(newUUIDSecret(w.name("lease id"), lease.LeaseID))
	path, user := "/v1/leases/"+lease.LeaseID, lease.Users[0].UserID
	w.answeredSecret("GET", path, "")
	w.answeredSecret("POST", path+"/renew", `{"ttl_seconds":60}`)
	w.answeredSecret("POST", path+"/users/"+user+"/otp", `{"wait_seconds":1}`)
	w.answered("PUT", path+"/users/"+user+"/session", w.encode(map[string]string{"session": w.uuid("session")}))
	w.answeredSecret("GET", path+"/users/"+user+"/session", "")
	w.refused("PUT", path+"/users/"+user+"/session", w.encode(map[string]string{"sessions": w.uuid("misspelt session")}))
	w.refused("POST", "/v1/leases", `{"users":[{"user_id":"`+user+`"}],"owner":"test","wait_seconds":1}`, "Idempotency-Key", w.uuid("idempotency key"))
	w.answered("GET", "/v1/pools", "", "traceparent", asked(waiterTrace), "tracestate", "key="+w.farm.key)
	w.refused("POST", path+"/users/"+user+"/otp", "")      // the code was given out
	w.refused("POST", path+"/users/"+project+"/otp", "")   // not in the lease
	w.refused("POST", path+"/renew", `{"ttl_seconds":-1}`) // no time
	w.refused("POST", path+"/renew", `{"lease":"`+lease.LeaseID+`"}`)
	w.refused("DELETE", "/v1/users/"+user, "") // locked
	w.answered("POST", path+"/release", `{"quarantine":[{"user_id":"`+user+`","reason":"a mess"}]}`)
	for _, rest := range []string{"/release", "/renew", "/users/" + user + "/otp"} { // over
		w.refused("POST", path+rest, "")
	}
	w.refused("GET", "/v1/leases/"+w.uuid("unknown lease id"), "")
	w.refused("POST", "/v1/leases/"+w.uuid("unknown lease id")+"/release", "")
	w.refused("GET", "/v1/leases/"+w.uuid("malformed lease id")+"0", "")
	w.refused("POST", "/v1/leases", `{"users":[{"user_id":"`+w.uuid("lease id as another")+`"}],"owner":"test"}`)
	w.answered("POST", "/v1/users/"+user+"/restore", `{"reason":"clean"}`)
	w.answered("POST", "/v1/users/"+user+"/quarantine", `{"reason":"a mess"}`)
	w.answered("POST", "/v1/users/"+user+"/restore", `{}`)

	got = w.answeredSecret("POST", "/v1/leases", `{"users":[{"user_id":"`+user+`"}],"owner":"test"}`, "Idempotency-Key", w.uuid("idempotency key"))
	forced := w.decode(got)["lease_id"]
	w.remember(newUUIDSecret(w.name("lease id"), forced))
	w.answered("POST", "/v1/users/"+user+"/force-release", `{"reason":"stuck"}`)
	w.refused("GET", "/v1/leases/"+forced, "")
}

func useLegacyRoutes(w *secretCheck) {
	w.t.Helper()
	inQuery := url.Values{"login": {"dan"}, "password": {w.password()}, "project_id": {project}, "env": {"stage"}, "domain": {"regular"}}
	w.answeredSecret("POST", "/create_user?"+inQuery.Encode(), "")
	w.refused("POST", "/create_user?"+inQuery.Encode(), "") // exists
	inForm := url.Values{"login": {"eve"}, "password": {w.password()}, "project_id": {project}, "env": {"stage"}, "domain": {"regular"}}
	created := w.answeredSecret("POST", "/create_user", inForm.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	w.answeredSecret("POST", "/create_user", w.user("fay", w.password()))
	w.refused("POST", "/create_user", w.user("gus", w.password(), "project_id", w.uuid("password in a field")+"x"))
	w.refused("POST", "/create_user", w.user("gus", w.password())+"x")
	w.answeredSecret("GET", "/get_users", "")
	user := w.encode(map[string]string{"user_id": w.decode(created)["user_id"]})
	w.answered("POST", "/acquire_lock", user)
	w.refused("POST", "/acquire_lock", user)
	w.answered("POST", "/release_lock", user)
	w.answered("GET", "/ping", "")
}

func keepKeys(w *secretCheck) {
	w.t.Helper()
	created := w.decode(w.answeredSecret("POST", "/v1/keys", `{"name":"ci","role":"tester","projects":["`+project+`"],"expires_in_seconds":600}`))
	w.rememberToken(created["token"])
	w.answered("GET", "/v1/keys/"+created["key_id"], "")
	w.refused("GET", "/v1/keys/"+project, "")
	w.refused("POST", "/v1/keys", `{"name":"ci","role":"`+w.token()+`"}`)
	w.refused("POST", "/v1/keys", `{"name":"ci","role":"tester","token":"`+w.token()+`"}`)
	as(w, created["token"], func() {
		w.refused("GET", "/v1/keys", "") // not an admin's
		w.answeredSecret("POST", "/v1/leases", wanted)
	})
	w.answered("POST", "/v1/keys/"+created["key_id"]+"/revoke", "")
	as(w, created["token"], func() { awaitEntry(w.t, w.farm, created["token"], http.StatusUnauthorized) })
}

// as calls use with another token than the admin's.
func as(w *secretCheck, token string, use func()) {
	admin := w.farm.key
	defer func() { w.farm.key = admin }()
	w.farm.key = token
	use()
}

func useWrongKeys(w *secretCheck) {
	w.t.Helper()
	unknown, almost := w.token(), w.token()
	for _, token := range []string{"", unknown, almost[:len(almost)-1] + "1", w.uuid("password as a key"), w.token() + w.token()} {
		as(w, token, func() { w.refused("GET", "/v1/users", "") })
	}
	as(w, "", func() {
		w.refused("GET", "/v1/users", "", "Authorization", "Basic "+w.uuid("password of another scheme"))
		w.refused("GET", "/v1/users", "", "X-Api-Key", w.token())
		w.refused("GET", "/v1/users?access_token="+w.token(), "")
		w.refused("POST", "/v1/users", w.user("hal", w.password()))
	})
	w.answered("GET", "/ping", "", "X-Request-Id", w.uuid("password as a request id")+" with a space")
}

func useCommands(w *secretCheck) {
	w.t.Helper()
	made := execute(w.t, w.dir, append([]string{"keys", "create", "--role", "admin", "--name", "bench"}, w.settings...)...)
	token := strings.TrimSpace(made.stdout)
	w.rememberToken(token)
	w.output.WriteString(made.stderr)
	w.t.Setenv("USERFARM_API_KEY", token)
	w.execute(0, "keys", "list")
	w.execute(0, "keys", "list", "--json")
	w.execute(2, "keys", "revoke", w.token())
	w.execute(2, "keys", "create", "--name", "x", "--role", w.token())
	w.execute(0, "keyring", "add")
	w.execute(0, "keyring", "reseal")
	w.execute(0, "keyring", "list")
	w.execute(1, "keyring", "remove", "0123abcd")
	w.execute(1, "serve", "--listen", w.farm.address)
	w.t.Setenv("USERFARM_ADMIN_KEY", w.token()+"x")
	w.execute(2, "serve")
	w.t.Setenv("USERFARM_ADMIN_KEY", "")
	for _, command := range [][]string{
		{"bench", "--url", "http://" + w.farm.address, "--clients", "2", "--users", "5", "--for", "100ms"},
		{"healthcheck", "--listen", w.farm.address},
	} {
		done := execute(w.t, w.dir, command...)
		if done.code != 0 {
			w.t.Errorf("%v: exit code %d\n%s", command, done.code, done.stderr)
		}
		w.output.WriteString(done.stdout + done.stderr)
	}
}

func lookAround(w *secretCheck) {
	w.t.Helper()
	for _, path := range []string{
		"/v1/users", "/v1/users?status=locked", "/v1/pools", "/v1/projects", "/v1/projects/names", "/v1/events", "/v1/events?owner=test", "/v1/keys", "/healthz", "/readyz",
		"/metrics", "/openapi.yaml", "/docs",
	} {
		w.answered("GET", path, "")
	}
	w.wantNoTraces("the stream of events", []byte(streamed(w)))
}

// streamed returns the text of the stream of events.
func streamed(w *secretCheck) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.farm.address+"/v1/events/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+w.farm.key)
	request.Header.Set("Last-Event-ID", "1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	var text strings.Builder
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), `"forced"`) { // many events came before this one
			return text.String()
		}
	}
	w.t.Errorf("the stream has no event of a forced release:\n%s", &text)
	return text.String()
}
