package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// revocation is how long a test waits for the farm to reject a revoked key. The farm promises two seconds, on a machine that is not
// overloaded.
const revocation = 20 * time.Second

func TestAFarmThatStartsWithAKeyRequiresOne(t *testing.T) {
	dir := t.TempDir()
	made := execute(t, dir, "keys", "create", "--role", "admin", "--name", "ops")
	if made.code != 0 || !regexp.MustCompile(`^userfarm_[a-z2-7]{40}\n$`).MatchString(made.stdout) {
		t.Fatalf("exit code %d, want 0 and the token alone:\n%s%s", made.code, made.stdout, made.stderr)
	}
	token := strings.TrimSpace(made.stdout)
	if !strings.Contains(made.stderr, "only this once") || strings.Contains(made.stderr, token) {
		t.Errorf("standard error says:\n%s", made.stderr)
	}

	farm := serve(t, dir)
	wantEntry(t, farm, "", http.StatusUnauthorized)
	wantEntry(t, farm, token, http.StatusOK)
	if strings.Contains(farm.output.String(), "no API key") {
		t.Errorf("the farm warns that it has no key:\n%s", farm.output)
	}
}

func TestAKeyThatIsCreatedWhileAFarmRunsWorksAtOnce(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			farm := serve(t, dir, settings...)
			wantEntry(t, farm, "", http.StatusOK)

			token := makeKey(t, dir, settings, "--role", "admin", "--name", "first")
			wantEntry(t, farm, token, http.StatusOK)
			awaitEntry(t, farm, "", http.StatusUnauthorized)

			viewer := makeKey(t, dir, settings, "--role", "viewer", "--name", "second")
			wantEntry(t, farm, viewer, http.StatusForbidden)
			farm.key = viewer
			if status := farm.get("/v1/pools"); status != http.StatusOK {
				t.Errorf("a viewer's GET /v1/pools = %d", status)
			}
		})
	}
}

func TestEveryReplicaRejectsARevokedKey(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			token := makeKey(t, dir, settings, "--role", "admin", "--name", "lost")
			farms := []*process{serve(t, dir, settings...)}
			if name == "PostgreSQL" {
				farms = append(farms, serve(t, dir, settings...))
			}
			for _, farm := range farms {
				wantEntry(t, farm, token, http.StatusOK)
			}
			id := listKeys(t, dir, settings)[0].ID
			for range 2 { // the second time it does nothing
				mustExecute(t, dir, append([]string{"keys", "revoke", id, "--reason", "a laptop is lost"}, settings...)...)
			}
			for _, farm := range farms {
				awaitEntry(t, farm, token, http.StatusUnauthorized)
				wantEntry(t, farm, "", http.StatusUnauthorized) // the farm still requires a key
			}
			if listed := listKeys(t, dir, settings); listed[0].Status != "revoked" {
				t.Errorf("the key is listed as %s", listed[0].Status)
			}
		})
	}
}

func TestTheNewestKeyIsListedLast(t *testing.T) {
	dir := t.TempDir()
	first := makeKey(t, dir, nil, "--role", "admin", "--name", "everything")
	second := makeKey(t, dir, nil, "--role", "tester", "--name", "ci", "--project", project, "--expires", "90d")
	farm := serve(t, dir)
	wantEntry(t, farm, first, http.StatusOK)
	farm.signal(syscall.SIGTERM)
	farm.wait()

	table := mustExecute(t, dir, "keys", "list")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 3 {
		t.Fatalf("want two keys and a heading:\n%s", table)
	}
	for i, pattern := range []string{
		`^ID +NAME +ROLE +PROJECTS +STATUS +CREATED +EXPIRES +LAST USED +MADE BY$`,
		`^[0-9a-f-]{36} +everything +admin +all +active +\S+Z +never +\S+Z +-$`,
		`^[0-9a-f-]{36} +ci +tester +` + project + ` +active +\S+Z +\S+Z +never +-$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("line %d is %q, want %s\n%s", i, lines[i], pattern, farm.output)
		}
	}
	listed := listKeys(t, dir, nil)
	if len(listed) != 2 || listed[0].Projects != nil || listed[1].Projects[0] != project {
		t.Errorf("as JSON: %+v", listed)
	}
	for _, token := range []string{first, second} {
		if strings.Contains(table, token) || strings.Contains(fmt.Sprint(listed), token) {
			t.Error("the list has a token")
		}
	}
}

func TestALifetimeMayBeGivenInDaysOrSeconds(t *testing.T) {
	dir := t.TempDir()
	lifetimes := map[string]time.Duration{"90d": 90 * 24 * time.Hour, "1d12h30m": 36*time.Hour + 30*time.Minute, "45s": 45 * time.Second}
	for text := range lifetimes {
		makeKey(t, dir, nil, "--role", "viewer", "--name", text, "--expires", text)
	}
	for _, key := range listKeys(t, dir, nil) {
		if lifetime := key.ExpiresAt.Sub(key.CreatedAt); lifetime != lifetimes[key.Name] {
			t.Errorf("--expires %s is %v", key.Name, lifetime)
		}
	}
}

func TestAGeneratedKeyIsTheFirstAdminKey(t *testing.T) {
	dir := t.TempDir()
	token := strings.TrimSpace(mustExecute(t, dir, "keys", "generate"))
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the command left %v behind", left)
	}
	file := filepath.Join(t.TempDir(), "admin.key")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	farm := serve(t, dir, "--admin-key-file", file)
	wantEntry(t, farm, "", http.StatusUnauthorized)
	wantEntry(t, farm, token, http.StatusOK)
	if !strings.Contains(farm.output.String(), "chmod 600") {
		t.Errorf("no warning that every account can read the key:\n%s", farm.output)
	}
	if strings.Contains(farm.output.String(), token) {
		t.Error("the log has the token")
	}
}

func TestAKeyCommandThatFailsGivesTheReason(t *testing.T) {
	admin := func(args ...string) []string {
		return append([]string{"create", "--role", "admin", "--name", "x"}, args...)
	}
	for name, test := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"no name":             {[]string{"create", "--role", "admin"}, 2, []string{"--name"}},
		"an empty name":       {[]string{"create", "--role", "admin", "--name", ""}, 2, []string{"--name", "must not be empty"}},
		"a name of two lines": {[]string{"create", "--role", "admin", "--name", "a\nb"}, 2, []string{"--name", "control characters"}},
		"no role":             {[]string{"create", "--name", "x"}, 2, []string{"--role"}},
		"another role":        {[]string{"create", "--name", "x", "--role", "owner"}, 2, []string{"--role", "viewer"}},
		"no project":          {admin("--project", "shop"), 2, []string{"--project", "UUID"}},
		"no time":             {admin("--expires", "0d"), 2, []string{"--expires", "1s"}},
		"a time past":         {admin("--expires", "-1h"), 2, []string{"--expires"}},
		"too long":            {admin("--expires", "3651d"), 2, []string{"--expires", "3650d"}},
		"much too long":       {admin("--expires", "99999999999d"), 2, []string{"--expires"}},
		"an invalid time":     {admin("--expires", "soon"), 2, []string{"--expires", "90d"}},
		"an unknown store":    {admin("--store", "mysql://root:opensesame@db/farm"), 2, []string{"--store"}},
		"memory":              {admin("--store", "memory:"), 1, []string{"--store", "memory"}},
		"no id":               {[]string{"revoke", "ops"}, 2, []string{"UUID"}},
		"no store":            {[]string{"revoke", project}, 1, []string{"--store", "userfarm.db", "no such file"}},
		"no store to list":    {[]string{"list"}, 1, []string{"--store", "userfarm.db"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			done := execute(t, dir, append([]string{"keys"}, test.args...)...)
			if done.code != test.code || done.stdout != "" {
				t.Errorf("exit code %d, want %d and nothing on standard output:\n%s", done.code, test.code, done.stdout)
			}
			for _, words := range test.says {
				if !strings.Contains(done.stderr, words) {
					t.Errorf("the output does not contain %q:\n%s", words, done.stderr)
				}
			}
			if strings.Contains(done.stderr, "opensesame") {
				t.Error("the output contains the database's password")
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("the command left %v behind", left)
			}
		})
	}
	dir := t.TempDir()
	makeKey(t, dir, nil, "--role", "admin", "--name", "x")
	if done := execute(t, dir, "keys", "revoke", project); done.code != 1 || !strings.Contains(done.stderr, "not found") {
		t.Errorf("revoking an unknown key: exit code %d\n%s", done.code, done.stderr)
	}
}

// stores returns the settings of a new farm on each database.
var stores = map[string]func(t *testing.T) []string{
	"SQLite":     func(*testing.T) []string { return nil },
	"PostgreSQL": postgresStore,
}

// postgresStore returns the settings of a new farm on PostgreSQL. It skips the test where there is no PostgreSQL.
func postgresStore(t *testing.T) []string {
	t.Helper()
	return []string{"--store", postgrestest.Shared(t).NewDatabase(t), "--encryption-key-file", writeKey(t)}
}

// makeKey creates an API key and returns its token.
func makeKey(t *testing.T, dir string, settings []string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(mustExecute(t, dir, append(append([]string{"keys", "create"}, settings...), args...)...))
}

type listedKey struct {
	ID        string `json:"key_id"`
	Name      string
	Projects  []string
	Status    string
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func listKeys(t *testing.T, dir string, settings []string) []listedKey {
	t.Helper()
	var listed struct{ Keys []listedKey }
	out := mustExecute(t, dir, append([]string{"keys", "list", "--json"}, settings...)...)
	if err := json.Unmarshal([]byte(out), &listed); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return listed.Keys
}

// entry returns the status of a request that only an admin may send, with a token.
func entry(farm *process, token string) int {
	farm.key = token
	return farm.get("/v1/keys")
}

func wantEntry(t *testing.T, farm *process, token string, want int) {
	t.Helper()
	if status := entry(farm, token); status != want {
		t.Errorf("got %d, want %d", status, want)
	}
}

func awaitEntry(t *testing.T, farm *process, token string, want int) {
	t.Helper()
	status := 0
	for deadline := time.Now().Add(revocation); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status = entry(farm, token); status == want {
			return
		}
	}
	t.Errorf("got %d every time, want %d", status, want)
}
