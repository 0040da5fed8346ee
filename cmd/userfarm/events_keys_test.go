//go:build unix

package main_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Keys are managed in the store. A farm that serves it, or any of its replicas, tells of that.
func TestTheHistoryTellsOfKeysAndNames(t *testing.T) {
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			dir, settings := t.TempDir(), newStore(t)
			admin := makeKey(t, dir, settings, "--role", "admin", "--name", "ops", "--reason", "the first one")
			farm := serve(t, dir, settings...)
			as := func(token string, args ...string) *exec.Cmd {
				command := at(t, farm, args...)
				command.Env = append(command.Env, "USERFARM_API_KEY="+token)
				return command
			}
			follower := begin(t, as(admin, "events", "--follow", "--kind", "key_created", "--kind", "project_named"))
			names := 0
			until(t, "an event is shown", func() bool { // the stream begins when the farm has the request, which nobody sees
				names++
				begin(t, as(admin, "projects", "name", otherProject, fmt.Sprint("Bank ", names))).wantCode(0)
				return strings.Contains(follower.stdout.String(), "Bank")
			})
			tester := makeKey(t, dir, settings, "--role", "tester", "--name", "ci", "--project", project, "--reason", "nightly tests")
			begin(t, as(admin, "projects", "name", project, "Shop", "--reason", "a new shop")).wantCode(0)
			begin(t, as(admin, "projects", "unname", "Shop", "--reason", "it is closed")).wantCode(0)
			for _, line := range []string{"key_created    API key ci", "project_named  project Shop", "no name anymore: it is closed"} {
				follower.says(line)
			}
			id := listKeys(t, dir, settings)[1].ID
			mustExecute(t, dir, append([]string{"keys", "revoke", listKeys(t, dir, settings)[0].ID, "--reason", "a laptop is lost"}, settings...)...)

			// The tester sees the names of its project, and nothing of keys.
			events := begin(t, as(tester, "events"))
			events.wantCode(0)
			events.drain()
			wantRows(t, events.stdout.String(), `^AT +KIND +ABOUT`, `project_named +project Shop +a new shop`,
				`project_named +project `+project+` +no name anymore: it is closed`)

			second := makeKey(t, dir, settings, "--role", "admin", "--name", "second")
			events = begin(t, as(second, "events", "--kind", "key_created", "--kind", "key_revoked"))
			events.wantCode(0)
			events.drain()
			wantRows(t, events.stdout.String(), `^AT +KIND +ABOUT`, `key_created +API key ops +the first one`, `key_created +API key ci +nightly tests`,
				`key_revoked +API key ops +a laptop is lost`, `key_created +API key second`)
			asJSON := begin(t, as(second, "events", "--json", "--kind", "key_created"))
			asJSON.wantCode(0)
			asJSON.drain()
			if got := asJSON.stdout.String(); !strings.Contains(got, `"about_key_id":"`+id+`","name":"ci"}`) || strings.Contains(got, tester) {
				t.Errorf("as JSON:\n%s", got)
			}
		})
	}
}

// wantRows fails the test unless a table has these lines.
func wantRows(t *testing.T, table string, patterns ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for i, pattern := range patterns {
		if len(lines) != len(patterns) || !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Fatalf("want %d lines, of which line %d is %s:\n%s", len(patterns), i, pattern, table)
		}
	}
}

func TestAReasonThatBreaksARuleIsRefused(t *testing.T) {
	long := strings.Repeat("x", 1025)
	dir := t.TempDir()
	done := execute(t, dir, "keys", "create", "--role", "admin", "--name", "ops", "--reason", long)
	if done.code != 2 || !strings.Contains(done.stderr, "--reason must have at most 1024 characters") {
		t.Errorf("create: exit code %d, want 2:\n%s", done.code, done.stderr)
	}
	makeKey(t, dir, nil, "--role", "admin", "--name", "ops")
	done = execute(t, dir, "keys", "revoke", listKeys(t, dir, nil)[0].ID, "--reason", long)
	if done.code != 1 || !strings.Contains(done.stderr, "--reason must have at most 1024 characters") {
		t.Errorf("revoke: exit code %d, want 1:\n%s", done.code, done.stderr)
	}
	farm := farmWith(t)
	farm.refuse(1, []string{"--reason must have at most 1024 characters"}, "projects", "name", project, "Shop", "--reason", long)
}
