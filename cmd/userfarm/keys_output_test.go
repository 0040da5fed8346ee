package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestATokenInAFileThatOthersCanReadIsNotToBeUsed(t *testing.T) {
	for _, args := range [][]string{{"keys", "generate"}, {"keys", "create", "--role", "admin", "--name", "ann"}} {
		for mode, public := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o666: true} {
			dir := t.TempDir()
			file, err := os.OpenFile(filepath.Join(dir, "admin.key"), os.O_CREATE|os.O_WRONLY, mode)
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Chmod(mode); err != nil { // whatever the umask is
				t.Fatal(err)
			}
			var said bytes.Buffer
			command := exec.Command(binary, args...)
			command.Dir, command.Stdout, command.Stderr = dir, file, &said
			if err := command.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &said)
			}
			file.Close()
			if warned := strings.Contains(said.String(), "begin again with umask 077"); warned != public {
				t.Errorf("%q into a file of mode %o warns: %t\n%s", args, mode, warned, &said)
			}
		}
		if done := execute(t, t.TempDir(), args...); strings.Contains(done.stderr, "umask") {
			t.Errorf("%q into a pipe warns:\n%s", args, done.stderr)
		}
	}
}

func TestTheHelpTellsToMakeAPrivateFile(t *testing.T) {
	help := strings.Join(strings.Fields(mustExecute(t, t.TempDir(), "keys", "--help")), " ")
	if !strings.Contains(help, "(umask 077; userfarm keys generate > admin.key)") {
		t.Error(help)
	}
}
