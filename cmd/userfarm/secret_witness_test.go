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

// witness uses a farm, knows all its secrets, and records the output of its processes.
type witness struct {
	t        *testing.T
	dir      string
	settings []string
	farm     *process
	secrets  []secret
	said     strings.Builder // output of processes, without standard output that must contain a secret
}

func newWitness(t *testing.T, settings []string) *witness {
	t.Helper()
	w := &witness{t: t, dir: t.TempDir(), settings: settings}
	admin := w.token()
	file := filepath.Join(t.TempDir(), "admin.key")
	if err := os.WriteFile(file, []byte(admin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.farm = serve(t, w.dir, append([]string{"--log-level", "debug", "--admin-key-file", file}, settings...)...)
	w.farm.key = admin
	return w
}

func (w *witness) know(s secret) { w.secrets = append(w.secrets, s) }

// password returns a new password. It begins with characters that many formats escape, which are not part of the secret.
func (w *witness) password() string {
	unique := rand.Text()
	w.know(newSecret(w.name("password"), unique))
	return `"<é\ ` + unique
}

// uuid returns a new UUID that is a secret.
func (w *witness) uuid(what string) string {
	id := uuid.NewString()
	w.know(newUUIDSecret(w.name(what), id))
	return id
}

// token returns a new token that belongs to no API key.
func (w *witness) token() string {
	token := domain.NewToken().Reveal()
	w.knowToken(token)
	return token
}

func (w *witness) knowToken(token string) {
	w.know(newBase32Secret(w.name("API key"), strings.TrimPrefix(token, domain.TokenPrefix)))
}

// totp returns a new TOTP secret.
func (w *witness) totp() string {
	text := rand.Text() + "ABCDEF" // 20 bytes
	w.know(newBase32Secret(w.name("TOTP secret"), text))
	return text
}

func (w *witness) name(what string) string { return fmt.Sprintf("secret %d, %s", len(w.secrets), what) }

// answered sends a request that must succeed, with an answer that contains no secret.
func (w *witness) answered(method, path, body string, headers ...string) string {
	w.t.Helper()
	answer := w.told(method, path, body, headers...)
	w.wantNoTraces("the answer to "+method+" "+path, []byte(answer))
	return answer
}

// told is answered for an answer that may contain a secret.
func (w *witness) told(method, path, body string, headers ...string) string {
	w.t.Helper()
	status, answer, err := w.farm.send(method, path, body, headers...)
	if err != nil || status >= http.StatusBadRequest {
		w.t.Errorf("%s %s = %d %s (%v)", method, path, status, answer, err)
	}
	return answer
}

// refused sends a request that must fail, with an answer that contains no secret.
func (w *witness) refused(method, path, body string, headers ...string) {
	w.t.Helper()
	status, answer, err := w.farm.send(method, path, body, headers...)
	if err != nil || status < http.StatusBadRequest {
		w.t.Errorf("%s %s = %d (%v), want a refusal", method, path, status, err)
	}
	w.wantNoTraces("the answer to "+method+" "+path, []byte(answer))
}

// execute runs another command on the farm's store. Its output must contain no secret.
func (w *witness) execute(code int, command ...string) {
	w.t.Helper()
	done := execute(w.t, w.dir, append(command, w.settings...)...)
	if done.code != code {
		w.t.Errorf("%v: exit code %d, want %d\n%s", command, done.code, code, done.stderr)
	}
	w.said.WriteString(done.stderr + done.stdout)
}

// stop ends the farm, and records its output.
func (w *witness) stop() {
	w.t.Helper()
	w.farm.signal(syscall.SIGTERM)
	w.farm.wait()
	w.said.WriteString(w.farm.output.String())
	if !strings.Contains(w.farm.output.String(), `"level":"DEBUG","msg":"request"`) {
		w.t.Error("requests are not logged, so there is nothing to check")
	}
}

func (w *witness) wantNoTraces(where string, text []byte) {
	w.t.Helper()
	for _, s := range w.secrets {
		if s.isIn(text) {
			w.t.Errorf("%s has %s", where, s.what)
		}
	}
}

// user returns a body that creates a user, with additional fields in pairs of name and value.
func (w *witness) user(login, password string, more ...string) string {
	fields := map[string]string{"login": login, "password": password, "project_id": project, "env": "stage", "domain": "regular"}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	return w.encode(fields)
}

func (w *witness) encode(fields map[string]string) string {
	body, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

// decode returns the fields of an answer that are strings.
func (w *witness) decode(answer string) map[string]string {
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
