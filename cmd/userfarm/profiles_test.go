//go:build unix

package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// settingsOf writes a file with profiles, and returns the folder of settings that has it.
func settingsOf(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "userfarm", "profiles.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withSettings returns a command that has these settings, and that no variable tells about a farm.
func withSettings(t *testing.T, settings string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(binary, args...)
	command.Dir = t.TempDir()
	command.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "USERFARM_") }),
		"XDG_CONFIG_HOME="+settings, "USERFARM_OWNER=ci-4711")
	return command
}

// outputOf runs a command with an exit code, and returns what it wrote.
func outputOf(t *testing.T, command *exec.Cmd, code int) (stdout, stderr string) {
	t.Helper()
	run := begin(t, command)
	run.wantCode(code)
	run.drain()
	return run.stdout.String(), run.stderr.String()
}

func TestFlagsComeBeforeTheEnvironmentAndThatBeforeTheProfile(t *testing.T) {
	var farms []*process
	for _, login := range []string{"in-default", "in-lab", "in-variable", "in-flag"} {
		farm := farmWith(t)
		farm.addUser(login, "x")
		farms = append(farms, farm)
	}
	url := func(i int) string { return "http://" + farms[i].address }
	settings := settingsOf(t, fmt.Sprintf(`{"default": "work", "profiles": {"work": {"url": %q}, "lab": {"url": %q}}}`, url(0), url(1)))
	for _, test := range []struct {
		want string
		env  []string
		args []string
	}{
		{"in-default", nil, nil},
		{"in-lab", nil, []string{"--profile", "lab"}},
		{"in-lab", []string{"USERFARM_PROFILE=lab"}, nil},
		{"in-default", []string{"USERFARM_PROFILE=lab"}, []string{"--profile", "work"}},
		{"in-variable", []string{"USERFARM_URL=" + url(2), "USERFARM_PROFILE=lab"}, nil},
		{"in-variable", []string{"USERFARM_URL=" + url(2)}, []string{"--profile", "lab"}},
		{"in-flag", []string{"USERFARM_URL=" + url(2)}, []string{"--profile", "lab", "--url", url(3)}},
	} {
		command := withSettings(t, settings, append([]string{"users", "list"}, test.args...)...)
		command.Env = append(command.Env, test.env...)
		if got, _ := outputOf(t, command, 0); !strings.Contains(got, test.want) {
			t.Errorf("%v %v: got\n%s\nwant %s", test.env, test.args, got, test.want)
		}
	}
}

func TestAProfileHasAProjectAndAnEnvironment(t *testing.T) {
	farm := farmWith(t, "admin")
	farm.do("projects", "name", project, "Shop")
	settings := settingsOf(t, `{"default": "shop", "profiles": {"shop": {"url": "http://`+farm.address+`", "project": "shop", "env": "stage"}}}`)
	command := withSettings(t, settings, "users", "add", "bob", "--domain", "regular", "--password-file", "-")
	command.Stdin = strings.NewReader("hunter2\n")
	outputOf(t, command, 0)
	if got, _ := outputOf(t, withSettings(t, settings, "users", "show", "bob"), 0); !strings.Contains(got, "Shop") || !strings.Contains(got, "stage") {
		t.Errorf("the user is\n%s", got)
	}
	outputOf(t, withSettings(t, settings, "run", "--", "true"), 0)
	inside, _ := outputOf(t, withSettings(t, settings, "run", "--profile", "shop", "--", "sh", "-c", `"$0" who`, binary), 0)
	if !strings.Contains(inside, "ci-4711") {
		t.Errorf("the command of run sees\n%s", inside)
	}
	farm.do("projects", "name", otherProject, "Bank")
	for flag, want := range map[string]bool{"--project=bank": false, "--env=prod": false, "--project=": true, "--project=Shop": true} {
		if got, _ := outputOf(t, withSettings(t, settings, "users", "list", flag), 0); strings.Contains(got, "bob") != want {
			t.Errorf("with %s: got\n%s", flag, got)
		}
	}
}

func TestAListSaysWhatTheProfileLeavesOut(t *testing.T) {
	farm := farmWith(t, "admin")
	settings := settingsOf(t, `{"default": "lab", "profiles": {"lab": {"url": "http://`+farm.address+`", "project": "`+otherProject+`", "env": "prod"}}}`)
	for _, list := range [][]string{{"export"}, {"users", "list"}} {
		users, said := outputOf(t, withSettings(t, settings, list...), 0)
		if strings.Contains(users, "admin") || said != "only users of --project "+otherProject+" --env prod, as the profile says; for all: --project \"\" --env \"\"\n" {
			t.Errorf("got\n%s\n%s", users, said)
		}
		users, said = outputOf(t, withSettings(t, settings, append(list, "--project", "", "--env", "")...), 0)
		if !strings.Contains(users, "admin") || said != "" {
			t.Errorf("got\n%s\n%s", users, said)
		}
	}
}

func TestAnUnknownProjectOfAProfileIsSaidToBeTheProfiles(t *testing.T) {
	farm := farmWith(t)
	settings := settingsOf(t, `{"default": "lab", "profiles": {"lab": {"url": "http://`+farm.address+`", "project": "shop"}}}`)
	if _, said := outputOf(t, withSettings(t, settings, "users", "list"), 1); !strings.Contains(said, "the profile says --project shop") {
		t.Errorf("got\n%s", said)
	}
	if _, said := outputOf(t, withSettings(t, settings, "users", "list", "--project", "bank"), 1); strings.Contains(said, "profile") {
		t.Errorf("got\n%s", said)
	}
}

// No other farm gets the API key of a profile.
func TestTheAPIKeyOfAProfileIsForItsAddressOnly(t *testing.T) {
	file := writeToken(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(text))
	farm := serve(t, t.TempDir(), "--store", "memory:", "--admin-key-file", file)
	var mu sync.Mutex
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"type":"urn:userfarm:problem:unauthorized","title":"x","status":401,"detail":"No.","code":"unauthorized","errors":[]}`))
	}))
	defer other.Close()
	for _, has := range []string{`"api_key": "` + key + `"`, `"api_key_file": "` + file + `"`} {
		settings := settingsOf(t, `{"default": "work", "profiles": {"work": {"url": "http://`+farm.address+`", `+has+`}}}`)
		outputOf(t, withSettings(t, settings, "who"), 0)
		if _, complaint := outputOf(t, withSettings(t, settings, "who", "--url", other.URL), 1); !strings.Contains(complaint, "is for http://"+farm.address+" only") {
			t.Errorf("got\n%s", complaint)
		}
		command := withSettings(t, settings, "who")
		command.Env = append(command.Env, "USERFARM_API_KEY=userfarm_x")
		outputOf(t, command, 2) // the variable comes before the profile
		if shown, _ := outputOf(t, withSettings(t, settings, "profiles"), 0); strings.Contains(shown, key) {
			t.Errorf("profiles wrote\n%s", shown)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if slices.ContainsFunc(got, func(header string) bool { return header != "" }) || len(got) == 0 {
		t.Errorf("the other farm got %d requests, some of them with an API key", len(got))
	}
}

func TestABadFileWithProfilesIsRefused(t *testing.T) {
	bad := settingsOf(t, "{\"profiles\": {\n  \"work\": {\n    \"urll\": \"x\"}}}")
	good := settingsOf(t, `{"profiles": {"work": {"url": "http://127.0.0.1:1"}}}`)
	open := settingsOf(t, `{"profiles": {"work": {"api_key": "userfarm_x"}}}`)
	if err := os.Chmod(filepath.Join(open, "userfarm", "profiles.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		settings string
		args     []string
		code     int
		want     string
	}{
		{bad, []string{"who"}, 2, `profiles.json:3: unknown field /profiles/work/urll; known are url, api_key`},
		{bad, []string{"run", "--", "true"}, 64, `profiles.json:3: `},
		{bad, []string{"profiles"}, 1, `profiles.json:3: `},
		{bad, []string{"users", "add", "ann"}, 2, `profiles.json:3: `},
		{good, []string{"who", "--profile", "lab"}, 2, `no profile "lab"`},
		{good, []string{"profiles", "use", "lab"}, 1, "which has work"},
		{good, []string{"profiles", "set", "lab"}, 2, "say what the profile has"},
		{good, []string{"profiles", "set", "lab", "--url", "x"}, 2, "--url: the address of the farm must be a URL"},
		{open, []string{"who"}, 2, "chmod 600 "},
	} {
		if _, got := outputOf(t, withSettings(t, test.settings, test.args...), test.code); !strings.Contains(got, test.want) || strings.Contains(got, "--url=") {
			t.Errorf("%v: got\n%s\nwant %s", test.args, got, test.want)
		}
	}
}

func TestProfilesAreManagedAtTheTerminal(t *testing.T) {
	text, err := os.ReadFile(writeToken(t))
	if err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(t.TempDir(), "settings")
	piped := withSettings(t, settings, "profiles", "set", "work", "--url", "https://farm.example.com", "--api-key")
	piped.Stdin = strings.NewReader(string(text))
	outputOf(t, piped, 0)
	screen := atTerminal(t, withSettings(t, settings, "profiles", "set", "lab", "--url", "http://lab:8000", "--api-key", "--project", "Shop"))
	screen.says("API key: ")
	screen.types(string(text))
	screen.wantCode(0)
	if strings.Contains(screen.stdout.String(), strings.TrimSpace(string(text))) {
		t.Error("the terminal shows the API key")
	}
	outputOf(t, withSettings(t, settings, "profiles", "set", "third", "--api-key-file", "/run/third.key", "--env", "stage"), 0)
	outputOf(t, withSettings(t, settings, "profiles", "use", "lab"), 0)
	table, _ := outputOf(t, withSettings(t, settings, "profiles"), 0)
	golden(t, filepath.Join("tables", "profiles"), table)
	outputOf(t, withSettings(t, settings, "profiles", "remove", "lab"), 0)
	if shown, _ := outputOf(t, withSettings(t, settings, "profiles", "list", "--json"), 0); strings.Contains(shown, "lab:8000") || strings.Contains(shown, `"default": true`) {
		t.Errorf("after the removal, the profiles are\n%s", shown)
	}
	broken := withSettings(t, settings, "profiles", "set", "work", "--api-key")
	broken.Stdin = strings.NewReader("hunter3\n")
	if _, got := outputOf(t, broken, 1); !strings.Contains(got, "malformed API key") || strings.Contains(got, "hunter3") {
		t.Errorf("got\n%s", got)
	}
}
