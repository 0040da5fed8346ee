//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// typed are the beginnings of lines, and what tab makes of them.
var typed = map[string]string{
	"userfarm pool":                             "userfarm pools",
	"userfarm users sh":                         "userfarm users show",
	"userfarm users list --stat":                "userfarm users list --status",
	"userfarm users list --status qua":          "userfarm users list --status quarantined",
	"userfarm users list --status=qua":          "userfarm users list --status=quarantined",
	"userfarm events --kind key_r":              "userfarm events --kind key_revoked",
	"userfarm run --on-failure q":               "userfarm run --on-failure quarantine",
	"userfarm projects --js":                    "userfarm projects --json",
	"userfarm who --profile seco":               "userfarm who --profile second",
	"userfarm profiles use seco":                "userfarm profiles use second",
	"userfarm projects unname Ba":               "userfarm projects unname Bank",
	"userfarm who --project Web":                `userfarm who --project Web\ shop`,
	"userfarm pools --url http://a:8000 --js":   "userfarm pools --url http://a:8000 --json",
	"userfarm who --project eu:s":               "userfarm who --project eu:shop",
	"userfarm import secr":                      "userfarm import secret.txt",
	"userfarm users add x --password-file secr": "userfarm users add x --password-file secret.txt",
}

// shellWith returns the command of a shell with userfarm, some profiles and a farm that has named projects.
func shellWith(t *testing.T, shell string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		if os.Getenv("USERFARM_TEST_SHELLS") == "required" {
			t.Fatal(shell + " is missing on this machine")
		}
		t.Skip(shell + " is missing on this machine")
	}
	farm := farmWith(t)
	farm.do("projects", "name", project, "Web shop")
	farm.do("projects", "name", otherProject, "Bank")
	farm.do("projects", "name", "00000000-0000-4000-8000-000000000003", "eu:shop")
	settings := settingsOf(t, `{"default": "first", "profiles": {"first": {"url": "http://`+farm.address+`"}, "second": {}}}`)
	command := withSettings(t, settings)
	command.Path, command.Args = path, append([]string{shell}, args...)
	command.Env = append(command.Env, "TERM=dumb", "HOME="+command.Dir, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	if err := os.WriteFile(filepath.Join(command.Dir, "secret.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return command
}

// wantCompleted types the beginnings of lines, and tab. ctrlU empties a line.
func (s terminal) wantCompleted() {
	s.t.Helper()
	const ctrlU = "\x15"
	for line, want := range typed {
		before := len(s.stdout.String())
		s.types(line + "\t")
		until(s.t, line+" becomes "+want, func() bool { return strings.Contains(plainText(s.stdout.String()[before:]), want) })
		s.types(ctrlU)
	}
}

// plainText returns what a terminal shows, roughly: without the sequences that move the cursor or set colours.
func plainText(output string) string {
	return regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]|\x1b[=>]|[\r\n\x07]").ReplaceAllString(output, "")
}

func TestBashCompletesCommandLines(t *testing.T) {
	screen := atTerminal(t, shellWith(t, "bash", "--norc", "--noprofile", "-i"))
	screen.types("eval \"$(userfarm completion bash)\"; echo rea''dy\n")
	screen.says("ready")
	screen.wantCompleted()
}

// Another admin chooses the names of projects.
func TestBashRunsNoPartOfACompletedName(t *testing.T) {
	for _, quote := range []string{"", "'", `"`} {
		command := shellWith(t, "bash", "--norc", "--noprofile", "-i")
		run := exec.Command(binary, "projects", "name", "00000000-0000-4000-8000-000000000004", "evil'$(touch pwned)`touch pwned`")
		run.Env = command.Env
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		screen := atTerminal(t, command)
		screen.types("eval \"$(userfarm completion bash)\"; echo rea''dy\n")
		screen.says("ready")
		before := len(screen.stdout.String())
		screen.types("userfarm who --project " + quote + "evil\t")
		until(t, "the name is completed", func() bool { return strings.Contains(plainText(screen.stdout.String()[before:]), "pwned") })
		screen.types("\necho do''ne\n")
		screen.says("done")
		if _, err := os.Stat(filepath.Join(command.Dir, "pwned")); err == nil {
			t.Errorf("a name within %q was run", quote)
		}
	}
}

func TestZshCompletesCommandLines(t *testing.T) {
	screen := atTerminal(t, shellWith(t, "zsh", "-f", "-i"))
	screen.types("autoload -Uz compinit; compinit -u; eval \"$(userfarm completion zsh)\"; echo rea''dy\n")
	screen.says("ready")
	screen.wantCompleted()
}

func TestFishCompletesCommandLines(t *testing.T) {
	for line, want := range typed {
		words := strings.Fields(line)
		last := strings.TrimPrefix(want, strings.Join(words[:len(words)-1], " ")+" ")
		got, _ := outputOf(t, shellWith(t, "fish", "--no-config", "-c", `userfarm completion fish | source; complete -C "$argv[1]"`, line), 0)
		if !strings.Contains(got, strings.ReplaceAll(last, `\`, "")) {
			t.Errorf("fish makes of %q\n%s, want %q", line, got, last)
		}
	}
}

func TestNothingIsCompletedWithoutAFarm(t *testing.T) {
	settings := settingsOf(t, `{"profiles": ["broken"]}`)
	for _, words := range [][]string{
		{"who", "--project", ""}, {"who", "--profile", ""}, {"keys", "create", "--project", ""}, {"who", "--nonsense=", ""}, {"nonsense", ""},
		{"users", "list", "--env", ""},
	} {
		command := withSettings(t, settings, append([]string{"__complete"}, words...)...)
		command.Env = append(command.Env, "USERFARM_URL=http://127.0.0.1:1")
		if got, complaint := outputOf(t, command, 0); got+complaint != "" {
			t.Errorf("%q: got %q and %q", words, got, complaint)
		}
	}
}
