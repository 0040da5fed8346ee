//go:build unix

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notUTF8 is an argument as shells pass it on from files whose names are in another encoding.
const notUTF8 = "f\xff"

func TestTheCommandGetsItsArgumentsAsTheyAre(t *testing.T) {
	farm := farmWith(t, "admin")
	if got := farm.do("run", "--", "printf", "%s", notUTF8); got != notUTF8 {
		t.Errorf("the command has the argument %q, want %q", got, notUTF8)
	}
	script := filepath.Join(t.TempDir(), notUTF8)
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho ran; exit 3\n"), 0o700); err != nil {
		t.Skip("this file system takes only names in UTF-8: ", err)
	}
	run := begin(t, at(t, farm, "run", "--on-failure", "quarantine", "--", script))
	run.wantCode(3)
	run.says("ran")
	if got := farm.statuses()["admin"]; got != "quarantined" {
		t.Errorf("the user is %s", got)
	}
}

func TestFilesMayHaveAnyNames(t *testing.T) {
	farm := farmWith(t)
	file := filepath.Join(t.TempDir(), notUTF8+".csv")
	if err := os.WriteFile(file, []byte("login,env,domain,password\nann,stage,regular,hunter2\n"), 0o600); err != nil {
		t.Skip("this file system takes only names in UTF-8: ", err)
	}
	farm.do("import", file, "--project", project)
	secret := filepath.Join(t.TempDir(), notUTF8)
	if err := os.WriteFile(secret, []byte("opensesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	farm.do("users", "change", "ann", "--password-file", secret)
	if lease := farm.do("acquire", "--json"); !strings.Contains(lease, "opensesame") {
		t.Error("the password is not that of the file")
	}

	key := filepath.Join(t.TempDir(), notUTF8+".key")
	command := at(t, farm, "migrate")
	command.Env = append(command.Env, "USERFARM_ENCRYPTION_KEY_FILE="+key)
	mustExecute(t, command.Dir, "keyring", "add", "--encryption-key-file", writeKeyTo(t, key))
	begin(t, command).wantCode(0)
}

func writeKeyTo(t *testing.T, path string) string {
	t.Helper()
	if err := os.Rename(writeKey(t), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestATextThatIsNotUTF8IsRefused(t *testing.T) {
	farm := farmWith(t, "admin")
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"<login>":        {[]string{"users", "add", notUTF8, "--project", project, "--env", "e", "--domain", "d"}, 2},
		"<user>":         {[]string{"users", "show", notUTF8}, 2},
		"--env":          {[]string{"users", "list", "--env", notUTF8}, 2},
		"--label":        {[]string{"users", "list", "--label", "role=" + notUTF8}, 2},
		"--kind":         {[]string{"events", "--kind", notUTF8}, 2},
		"--remove-label": {[]string{"users", "change", "admin", "--remove-label=" + notUTF8}, 2},
		"--project":      {[]string{"run", "--project", notUTF8, "true"}, 64},
		"--api-key-file": {[]string{"profiles", "set", "lab", "--api-key-file", notUTF8}, 2}, // it is kept as JSON
		"--store":        {[]string{"migrate", "--store", "sqlite:" + notUTF8}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			run := begin(t, at(t, farm, test.args...))
			run.wantCode(test.code)
			run.complains(name)
			run.complains("must be valid UTF-8")
		})
	}
	command := at(t, farm, "acquire", "--json")
	command.Env = append(command.Env, "USERFARM_OWNER="+notUTF8)
	run := begin(t, command)
	run.wantCode(2)
	run.complains("USERFARM_OWNER")
}
