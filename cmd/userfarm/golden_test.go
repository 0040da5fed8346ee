//go:build unix

package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What people see is in testdata. After an intended change: go test ./cmd/userfarm -run Golden -update
var update = flag.Bool("update", false, "write the golden files of help and tables")

func TestGoldenHelp(t *testing.T) {
	for _, command := range []string{
		"", "run", "acquire", "renew", "release", "who", "users", "users list", "users show", "users add", "users change",
		"users quarantine", "users restore", "users force-release", "users remove", "completion", "profiles", "profiles list", "profiles set", "profiles use", "profiles remove", "projects", "projects list", "projects name", "projects unname", "pools", "advise", "line", "events", "import", "export",
	} {
		help := mustExecute(t, t.TempDir(), append(strings.Fields(command), "--help")...)
		golden(t, filepath.Join("help", strings.ReplaceAll(strings.TrimSpace("userfarm "+command), " ", "-")), help)
		if command != "" && command != "users" && command != "projects" && command != "profiles" && !strings.Contains(help, "Example") {
			t.Errorf("userfarm %s --help has no example", command)
		}
	}
	golden(t, filepath.Join("help", "alone"), mustExecute(t, t.TempDir()))
}

func TestGoldenTables(t *testing.T) {
	farm := farmWith(t, "admin", "buyer", "seller")
	farm.do("users", "quarantine", "buyer", "--reason", "the password has expired")
	farm.do("acquire", "--label", "role=admin", "--json")
	waiter := begin(t, at(t, farm, "acquire", "--env", "stage", "--label", "role=admin", "--wait", "5m", "--json"))
	waiter.complains("place 1 in line")
	for _, command := range []string{"users list", "users show admin", "users show buyer", "who", "events"} {
		golden(t, filepath.Join("tables", strings.ReplaceAll(command, " ", "-")), farm.do(strings.Fields(command)...))
	}
	golden(t, filepath.Join("tables", "projects"), farm.do("projects"))
	farm.do("projects", "name", project, "Shop")
	farm.do("projects", "name", otherProject, "bank")
	farm.do("projects", "name", otherProject, "Big bank", "--reason", "there is a small one, too")
	farm.do("projects", "unname", otherProject, "--reason", "the bank is closed")
	farm.do("projects", "name", otherProject, "bank")
	for _, command := range []string{"projects", "users list", "users show seller", "events --kind project_named"} {
		golden(t, filepath.Join("tables", strings.ReplaceAll(strings.ReplaceAll(command, " --kind project_named", ""), " ", "-")+"-named"), farm.do(strings.Fields(command)...))
	}
	for _, command := range []string{"line", "pools"} {
		var table string
		until(t, command+" shows the waiter", func() bool { // it asks again, every few seconds
			table = farm.do(command)
			return regexp.MustCompile(`(?m)^1 +ci-4711|^stage .* 1 +\d+s`).MatchString(table)
		})
		golden(t, filepath.Join("tables", command), table)
	}
}

// changing is what differs from time to time, in the order in which it is replaced by a text of the same width.
var changing = []struct{ pattern, by string }{
	{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "00000000-0000-0000-0000-000000000000"},
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "2026-01-02T15:04:05Z"},
	{`process \d+ on \S+`, "process 1 on host"},
	{`\b\d+s +`, "1s            "},
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, c := range changing {
		if strings.HasPrefix(name, "tables") {
			got = regexp.MustCompile(c.pattern).ReplaceAllString(got, c.by)
		}
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
