package main_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/domain"
)

// secretCheck uses a farm, remembers all secrets, and records the output of the processes.
type secretCheck struct {
	t        *testing.T
	dir      string
	settings []string
	farm     *process
	secrets  []secret
	output   strings.Builder // output of processes, without standard output that must contain a secret
	traces   *collector
}

func newSecretCheck(t *testing.T, settings []string) *secretCheck {
	t.Helper()
	w := &secretCheck{t: t, dir: t.TempDir(), settings: settings, traces: newCollector(t)}
	admin := w.token()
	file := filepath.Join(t.TempDir(), "admin.key")
	if err := os.WriteFile(file, []byte(admin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.farm = serve(t, w.dir, append([]string{"--log-level", "debug", "--admin-key-file", file}, settings...)...)
	w.farm.key = admin
	return w
}

func (w *secretCheck) remember(s secret) { w.secrets = append(w.secrets, s) }

// password returns a new password. It begins with characters that many formats escape, which are not part of the secret.
func (w *secretCheck) password() string {
	unique := rand.Text()
	w.remember(newSecret(w.name("password"), unique))
	return `"<é\ ` + unique
}

// uuid returns a new UUID that is a secret.
func (w *secretCheck) uuid(what string) string {
	id := uuid.NewString()
	w.remember(newUUIDSecret(w.name(what), id))
	return id
}

// token returns a new token that belongs to no API key.
func (w *secretCheck) token() string {
	token := domain.NewToken().Reveal()
	w.rememberToken(token)
	return token
}

func (w *secretCheck) rememberToken(token string) {
	w.remember(newBase32Secret(w.name("API key"), strings.TrimPrefix(token, domain.TokenPrefix)))
}

// totp returns a new TOTP secret.
func (w *secretCheck) totp() string {
	text := rand.Text() + "ABCDEF" // 20 bytes
	w.remember(newBase32Secret(w.name("TOTP secret"), text))
	return text
}

func (w *secretCheck) name(what string) string {
	return fmt.Sprintf("secret %d, %s", len(w.secrets), what)
}

// answered sends a request that must succeed, with an answer that contains no secret.
func (w *secretCheck) answered(method, path, body string, headers ...string) string {
	w.t.Helper()
	answer := w.answeredSecret(method, path, body, headers...)
	w.wantNoTraces("the answer to "+method+" "+path, []byte(answer))
	return answer
}

// answeredSecret is like answered, but for an answer that may contain a secret.
func (w *secretCheck) answeredSecret(method, path, body string, headers ...string) string {
	w.t.Helper()
	status, answer, err := w.farm.send(method, path, body, headers...)
	if err != nil || status >= http.StatusBadRequest {
		w.t.Errorf("%s %s = %d %s (%v)", method, path, status, answer, err)
	}
	return answer
}

// refused sends a request that must fail, with an answer that contains no secret.
func (w *secretCheck) refused(method, path, body string, headers ...string) {
	w.t.Helper()
	status, answer, err := w.farm.send(method, path, body, headers...)
	if err != nil || status < http.StatusBadRequest {
		w.t.Errorf("%s %s = %d (%v), want a refusal", method, path, status, err)
	}
	w.wantNoTraces("the answer to "+method+" "+path, []byte(answer))
}

// execute runs another command on the farm's store. Its output must contain no secret.
func (w *secretCheck) execute(code int, command ...string) {
	w.t.Helper()
	done := execute(w.t, w.dir, append(command, w.settings...)...)
	if done.code != code {
		w.t.Errorf("%v: exit code %d, want %d\n%s", command, done.code, code, done.stderr)
	}
	w.output.WriteString(done.stderr + done.stdout)
}

// stop ends the farm, and records its output.
func (w *secretCheck) stop() {
	w.t.Helper()
	w.farm.signal(syscall.SIGTERM)
	w.farm.wait()
	w.output.WriteString(w.farm.output.String())
	if !strings.Contains(w.farm.output.String(), `"level":"DEBUG","msg":"request"`) {
		w.t.Error("requests are not logged, so there is nothing to check")
	}
	for _, name := range []string{"POST /v1/leases/:lease_id/users/:user_id/otp", "PUT /v1/leases/:lease_id/users/:user_id/session", "wait in line", "commit"} {
		if len(w.traces.all(name)) == 0 {
			w.t.Errorf("no span %q was received, so there is nothing to check", name)
		}
	}
	w.wantNoTraces("what was sent to the collector of traces", w.traces.received)
}

func (w *secretCheck) wantNoTraces(where string, text []byte) {
	w.t.Helper()
	for _, s := range w.secrets {
		if s.isIn(text) {
			w.t.Errorf("%s contains %s", where, s.what)
		}
	}
}

// user returns a body that creates a user, with additional fields in pairs of name and value.
func (w *secretCheck) user(login, password string, more ...string) string {
	fields := map[string]string{"login": login, "password": password, "project_id": project, "env": "stage", "domain": "regular"}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	return w.encode(fields)
}

func (w *secretCheck) encode(fields map[string]string) string {
	body, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

// decode returns the fields of an answer that are strings.
func (w *secretCheck) decode(answer string) map[string]string {
	w.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(answer), &fields); err != nil {
		w.t.Fatalf("%v: %s", err, answer)
	}
	texts := map[string]string{}
	for name, value := range fields {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	return texts
}
