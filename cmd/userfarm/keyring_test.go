package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestTheEncryptionKeyIsReplacedWhileTheFarmServes(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			keyFile := filepath.Join(dir, "userfarm.key")
			if settings != nil {
				keyFile = settings[3]
			}
			keyring := func(args ...string) outcome {
				return execute(t, dir, append(append([]string{"keyring"}, args...), settings...)...)
			}
			farm := serve(t, dir, settings...)
			fillWithPasswords(t, farm, 0, 600)
			old := tableOf(t, keyring("list").stdout)[0].id
			stop := loginsUnderLoad(t, farm)

			added := strings.TrimSpace(keyring("add").stdout)
			if refused := keyring("remove", old); refused.code != 1 || !regexp.MustCompile(
				`[1-9]\d* users, 0 sessions and 0 parts of imports are sealed with key `+old+`: run userfarm keyring reseal`).MatchString(refused.stderr) {
				t.Errorf("removing a key in use: exit code %d\n%s", refused.code, refused.stderr)
			}
			fillWithPasswords(t, farm, 600, 100)
			if now := tableOf(t, keyring("list").stdout); now[0].id != added || now[0].use != "seals" || now[0].users < 100 ||
				now[1].id != old || now[1].use != "opens" {
				t.Errorf("after the new key %s was used: %+v", added, now)
			}
			resealed := keyring("reseal")
			if resealed.code != 0 || !regexp.MustCompile(`^\d+ users resealed\n$`).MatchString(resealed.stdout) {
				t.Errorf("reseal: exit code %d\n%s%s", resealed.code, resealed.stdout, resealed.stderr)
			}
			if now := tableOf(t, keyring("list").stdout); now[0].users != 700 || now[1].users != 0 {
				t.Errorf("after all users were resealed: %+v", now)
			}
			if removed := keyring("remove", old); removed.code != 0 {
				t.Errorf("remove: exit code %d\n%s", removed.code, removed.stderr)
			}
			time.Sleep(200 * time.Millisecond) // of load, without the old key
			stop()
			farm.signal(syscall.SIGTERM)
			farm.wait()
			wantNoWarnings(t, farm)

			if text, err := os.ReadFile(keyFile); err != nil || len(keyLines(text)) != 1 {
				t.Fatalf("the file has %d keys, want the new one alone (%v)", len(keyLines(text)), err)
			}
			farm = serve(t, dir, settings...)
			wantAllPasswords(t, farm, 700)
		})
	}
}

func TestAKilledResealCanContinue(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			farm := serve(t, dir, settings...)
			const users = 1500
			fillWithPasswords(t, farm, 0, users)
			mustExecute(t, dir, append([]string{"keyring", "add"}, settings...)...)

			began := false
			for pause := 20 * time.Millisecond; pause < time.Minute && !began; pause += pause / 2 { // a busy machine starts it late
				p := start(t, dir, append([]string{"keyring", "reseal"}, settings...)...)
				time.Sleep(pause)
				p.signal(syscall.SIGKILL)
				p.wait()
				now := tableOf(t, mustExecute(t, dir, append([]string{"keyring", "list"}, settings...)...))
				began = now[0].users > 0
				t.Logf("killed when %d of %d were resealed", now[0].users, users)
				if now[0].users+now[1].users != users {
					t.Errorf("after a kill: %+v", now)
				}
			}
			if !began {
				t.Error("no user was resealed before a kill")
			}
			wantAllPasswords(t, farm, users)
			mustExecute(t, dir, append([]string{"keyring", "reseal"}, settings...)...)
			if now := tableOf(t, mustExecute(t, dir, append([]string{"keyring", "list"}, settings...)...)); now[1].users != 0 {
				t.Errorf("after it continued: %+v", now)
			}
			wantAllPasswords(t, farm, users)
		})
	}
}

func TestAnInterruptedResealSaysHowToContinue(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	fillWithPasswords(t, farm, 0, 1500)
	mustExecute(t, dir, "keyring", "add")
	for i := range 20 {
		p := start(t, dir, "keyring", "reseal")
		time.Sleep(time.Duration(20+10*i) * time.Millisecond)
		p.signal(os.Interrupt)
		if code := p.wait(); code == 0 || code == 1 && strings.Contains(p.output.String(), "run the same command again for the others") {
			return // the reseal was done, or said how to continue
		}
	}
	t.Error("an interrupted reseal did not say how to continue")
}

// Replicas with copies of the key file can't get a new file at the same moment.
func TestTheKeyIsReplacedOnReplicasWithCopiesOfTheFile(t *testing.T) {
	settings := postgresStore(t)
	store, original, copied := settings[:2], settings[3], filepath.Join(t.TempDir(), "copy.key")
	publish := func() {
		text, err := os.ReadFile(original)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(copied+".new", copied); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	dir := t.TempDir()
	one := serve(t, dir, settings...)
	two := serve(t, dir, append([]string{"--encryption-key-file", copied}, store...)...)
	fillWithPasswords(t, one, 0, 100)

	keyring := func(args ...string) string {
		return mustExecute(t, dir, append(append([]string{"keyring"}, args...), settings...)...)
	}
	old := tableOf(t, keyring("list"))[0].id
	added := strings.TrimSpace(keyring("add", "--standby"))
	if now := tableOf(t, keyring("list")); now[0].id != old || now[1].id != added || now[1].use != "opens" {
		t.Errorf("with a standby key: %+v", now)
	}
	publish()
	keyring("promote", added)
	fillWithPasswords(t, one, 100, 100) // with the new key
	fillWithPasswords(t, two, 200, 100) // with the old one
	wantAllPasswords(t, one, 300)
	wantAllPasswords(t, two, 300)
	publish()
	keyring("reseal")
	keyring("remove", old)
	publish()
	fillWithPasswords(t, two, 300, 100)
	wantAllPasswords(t, one, 400)
	wantAllPasswords(t, two, 400)
	if now := tableOf(t, keyring("list")); len(now) != 1 || now[0].users != 400 {
		t.Errorf("in the end: %+v", now)
	}
}

func TestAKeyringCommandThatFailsGivesTheReason(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"memory":                   {[]string{"add", "--store", "memory:"}, 1, []string{"memory"}},
		"PostgreSQL without a key": {[]string{"add", "--store", "postgres://127.0.0.1:1/farm"}, 1, []string{"--encryption-key-file"}},
		"no file":                  {[]string{"add"}, 1, []string{"userfarm.key", "no such file"}},
		"no file to promote in":    {[]string{"promote", "0123abcd"}, 1, []string{"userfarm.key", "no such file"}},
		"no store":                 {[]string{"list"}, 1, []string{"--store", "userfarm.db"}},
		"no store to reseal":       {[]string{"reseal"}, 1, []string{"--store", "userfarm.db"}},
		"no id":                    {[]string{"remove"}, 2, []string{"<id>"}},
	} {
		t.Run(name, func(t *testing.T) {
			done := execute(t, dir, append([]string{"keyring"}, test.args...)...)
			if done.code != test.code || done.stdout != "" {
				t.Errorf("exit code %d, want %d and nothing on standard output:\n%s", done.code, test.code, done.stdout)
			}
			for _, words := range test.says {
				if !strings.Contains(done.stderr, words) {
					t.Errorf("the output does not contain %q:\n%s", words, done.stderr)
				}
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("the command left %v behind", left)
			}
		})
	}
	makeKey(t, dir, nil, "--role", "admin", "--name", "x") // creates a store
	only := tableOf(t, mustExecute(t, dir, "keyring", "list"))[0].id
	for says, id := range map[string]string{"promote another one": only, "no key of the file": "0123abcd"} {
		if done := execute(t, dir, "keyring", "remove", id); done.code != 1 || !strings.Contains(done.stderr, says) {
			t.Errorf("remove %s: exit code %d, want it to contain %q:\n%s", id, done.code, says, done.stderr)
		}
	}
}

func TestEncryptionKeysAreListedAsJSON(t *testing.T) {
	dir := t.TempDir()
	farm := serve(t, dir)
	fillWithPasswords(t, farm, 0, 2)
	farm.signal(syscall.SIGTERM)
	farm.wait()
	added := strings.TrimSpace(mustExecute(t, dir, "keyring", "add", "--standby"))
	var list struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(mustExecute(t, dir, "keyring", "list", "--json")), &list); err != nil || len(list.Keys) != 2 {
		t.Fatalf("%v (%v)", list, err)
	}
	if first := list.Keys[0]; first["use"] != "seals" || first["users"] != 2.0 || first["first_used_at"] == nil {
		t.Errorf("the first key is %v", first)
	}
	want := map[string]any{"key_id": added, "use": "opens", "users": 0.0, "sessions": 0.0, "import_parts": 0.0, "first_used_at": nil}
	if second := list.Keys[1]; !reflect.DeepEqual(second, want) {
		t.Errorf("the second key is %v, want %v", second, want)
	}
}

type listedSealingKey struct {
	id, use string
	users   int
}

// tableOf reads what userfarm keyring list wrote.
func tableOf(t *testing.T, table string) []listedSealingKey {
	t.Helper()
	var keys []listedSealingKey
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		columns := strings.Fields(line)
		if i == 0 || len(columns) != 6 {
			continue
		}
		users, err := strconv.Atoi(columns[2])
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, listedSealingKey{columns[0], columns[1], users})
	}
	if len(keys) == 0 {
		t.Fatalf("no keys are listed:\n%s", table)
	}
	return keys
}

func keyLines(text []byte) []string {
	return regexp.MustCompile(`(?m)^[^#\s].*$`).FindAllString(string(text), -1)
}

// fillWithPasswords creates n users whose passwords contain their logins.
func fillWithPasswords(t *testing.T, farm *process, from, n int) {
	t.Helper()
	next := atomic.Int64{}
	var creating sync.WaitGroup
	for range 8 {
		creating.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				login := fmt.Sprintf("user-%d", from+int(i))
				status, answer, err := farm.send(http.MethodPost, "/v1/users", fmt.Sprintf(
					`{"login":%q,"password":%q,"project_id":%q,"env":"stage","domain":"regular"}`, login, "password of "+login, project))
				if err != nil || status != http.StatusCreated {
					t.Errorf("create %s = %d %s (%v)", login, status, answer, err)
				}
			}
		})
	}
	creating.Wait()
}

// loginsUnderLoad acquires and releases users, and changes some, until stop is called. Every wrong answer fails the test.
func loginsUnderLoad(t *testing.T, farm *process) (stop func()) {
	t.Helper()
	stopped := make(chan struct{})
	var working sync.WaitGroup
	var pairs atomic.Int64
	for range 6 {
		working.Go(func() {
			for {
				select {
				case <-stopped:
					return
				default:
				}
				if err := logInOnce(farm); err != nil {
					t.Error(err)
					return
				}
				pairs.Add(1)
			}
		})
	}
	return func() {
		close(stopped)
		working.Wait()
		t.Logf("%d users were handed out and taken back", pairs.Load())
	}
}

func logInOnce(farm *process) error {
	status, answer, err := farm.send(http.MethodPost, "/v1/leases", wanted)
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("acquire = %d %s (%w)", status, answer, err)
	}
	var got struct {
		LeaseID string `json:"lease_id"`
		Users   []struct {
			UserID   string `json:"user_id"`
			Login    string
			Password string
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		return err
	}
	user := got.Users[0]
	if user.Password != "password of "+user.Login {
		return fmt.Errorf("%s has the password %q", user.Login, user.Password)
	}
	if rand.IntN(4) == 0 { // the same password, resealed
		body := fmt.Sprintf(`{"password":%q}`, user.Password)
		if status, answer, err := farm.send(http.MethodPatch, "/v1/users/"+user.UserID, body); err != nil || status != http.StatusOK {
			return fmt.Errorf("change = %d %s (%w)", status, answer, err)
		}
	}
	status, answer, err = farm.send(http.MethodPost, "/v1/leases/"+got.LeaseID+"/release", "")
	if err != nil || status != http.StatusNoContent {
		return fmt.Errorf("release = %d %s (%w)", status, answer, err)
	}
	return nil
}

// wantAllPasswords checks the password of every user of a farm that has n.
func wantAllPasswords(t *testing.T, farm *process, n int) {
	t.Helper()
	status, answer, err := farm.send(http.MethodGet, "/get_users", "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET /get_users = %d %s (%v)", status, answer, err)
	}
	var users []struct{ Login, Password string }
	if err := json.Unmarshal([]byte(answer), &users); err != nil {
		t.Fatal(err)
	}
	if len(users) != n {
		t.Errorf("the farm has %d users, want %d", len(users), n)
	}
	for _, user := range users {
		if user.Password != "password of "+user.Login {
			t.Errorf("%s has the password %q", user.Login, user.Password)
		}
	}
}

// wantNoWarnings fails the test if a farm logged a warning, except for the one that it has no API key.
func wantNoWarnings(t *testing.T, farm *process) {
	t.Helper()
	for line := range strings.Lines(farm.output.String()) {
		if regexp.MustCompile(`"level":"(WARN|ERROR)"`).MatchString(line) && !strings.Contains(line, "the farm has no API key") {
			t.Errorf("the farm logged: %s", line)
		}
	}
}
