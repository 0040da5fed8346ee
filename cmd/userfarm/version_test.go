package main_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func TestVersionSaysFromWhatTheProgramWasBuilt(t *testing.T) {
	want := regexp.MustCompile(`^userfarm \S+\nrevision ([0-9a-f]{40}( with changes)?|unknown)\nbuilt with go1\S+ for \w+/\w+\n$`)
	if got := mustExecute(t, t.TempDir(), "version"); !want.MatchString(got) {
		t.Errorf("got\n%s", got)
	}
}

func TestVersionIsJSONForPrograms(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(mustExecute(t, t.TempDir(), "version", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "revision", "go", "system"} {
		if text, ok := got[name].(string); !ok || text == "" {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}

// An image is built without the repository, so the build says which revision it is.
func TestABuildCanSayWhichRevisionItIs(t *testing.T) {
	program := filepath.Join(t.TempDir(), "userfarm")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-X main.revision=4f2c", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := exec.Command(program, "version").Output()
	if err != nil || !regexp.MustCompile(`\nrevision 4f2c\n`).Match(got) {
		t.Errorf("got\n%s(%v)", got, err)
	}
}
