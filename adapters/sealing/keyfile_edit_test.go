package sealing_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/userfarm/userfarm/adapters/sealing"
)

func TestANewKeyFileIsPrivateAndReplacesNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600 (%v)", info.Mode().Perm(), err)
	}
	first := open(t, path).KeyIDs()
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("the folder holds %d files, want the key file alone", len(left))
	}

	if err := sealing.CreateKeyFile(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("second create = %v, want %v", err, os.ErrExist)
	}
	if again := open(t, path).KeyIDs(); !slices.Equal(first, again) {
		t.Error("second create changed the key")
	}
}

func TestANewKeyIsFirstAndAStandbyKeyIsLast(t *testing.T) {
	path := write(t, line(1)+line(2))
	before := open(t, path).KeyIDs()
	first, err := sealing.AddKey(path, false)
	if err != nil {
		t.Fatal(err)
	}
	standby, err := sealing.AddKey(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := open(t, path).KeyIDs(), []string{first, before[0], before[1], standby}; !slices.Equal(got, want) {
		t.Errorf("keys = %v, want %v", got, want)
	}
}

func TestPromoteMakesAKeyTheFirst(t *testing.T) {
	path := write(t, line(1)+line(2)+line(3))
	for _, n := range []byte{3, 2, 2} {
		if err := sealing.Promote(path, id(t, n)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := open(t, path).KeyIDs(), ring(t, key(2), key(3), key(1)).KeyIDs(); !slices.Equal(got, want) {
		t.Errorf("keys = %v, want %v", got, want)
	}
}

func TestARemovedKeyIsNotInTheFile(t *testing.T) {
	path := write(t, line(1)+line(2)+line(3))
	if err := sealing.RemoveKey(path, id(t, 2)); err != nil {
		t.Fatal(err)
	}
	if text := read(t, path); text != line(1)+line(3) {
		t.Errorf("the file is:\n%s", text)
	}
}

func TestEditsThatAreRefusedLeaveTheFileAsItIs(t *testing.T) {
	whole, single := write(t, line(1)+line(2)), write(t, line(1))
	bad := write(t, line(1)+"nonsense\n")
	remove := func(n byte) func(string) error {
		return func(path string) error { return sealing.RemoveKey(path, id(t, n)) }
	}
	for name, test := range map[string]struct {
		path string
		edit func(path string) error
		want error
	}{
		"removing the first key":    {whole, remove(1), sealing.ErrSealingKey},
		"removing the only key":     {single, remove(1), sealing.ErrSealingKey},
		"removing an unknown key":   {whole, remove(3), sealing.ErrKeyNotInFile},
		"promoting an unknown key":  {whole, func(p string) error { return sealing.Promote(p, "") }, sealing.ErrKeyNotInFile},
		"adding to an invalid file": {bad, func(p string) error { _, err := sealing.AddKey(p, false); return err }, nil},
	} {
		before := read(t, test.path)
		err := test.edit(test.path)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
			continue
		}
		wantNoKeys(t, err, line(1), line(2))
		if read(t, test.path) != before {
			t.Errorf("%s changed the file", name)
		}
	}
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := sealing.AddKey(missing, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("adding to a missing file: %v", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("adding to a missing file created it")
	}
}

func TestCommentsStayWithTheirKey(t *testing.T) {
	const preface = "# ours, ask ops\n\n"
	path := write(t, preface+"# of spring\n"+line(1)+"\n# of summer,\r\n# spare\r\n"+line(2)+"# the end")
	if err := sealing.Promote(path, id(t, 2)); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), preface+"# of summer,\r\n# spare\r\n"+line(2)+"# of spring\n"+line(1)+"\n# the end"; got != want {
		t.Errorf("after the second key was promoted:\n%s\nwant:\n%s", got, want)
	}
	added, err := sealing.AddKey(path, false)
	if err != nil {
		t.Fatal(err)
	}
	rest := "\n# of summer,\r\n# spare\r\n" + line(2) + "# of spring\n" + line(1)
	if got := read(t, path); !strings.HasPrefix(got, preface) || !strings.Contains(got, rest) {
		t.Errorf("after a key was added:\n%s", got)
	}
	if err := sealing.RemoveKey(path, id(t, 1)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !strings.Contains(got, "# of spring\n# (key "+id(t, 1)+" was here, and was removed)\n\n") {
		t.Errorf("after a key was removed:\n%s", got)
	}
	if got := open(t, path).KeyIDs(); !slices.Equal(got, []string{added, id(t, 2)}) {
		t.Errorf("keys = %v", got)
	}
}

func TestAnEditBringsTheHeaderUpToDate(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "fresh.key")
	if err := sealing.CreateKeyFile(fresh); err != nil {
		t.Fatal(err)
	}
	header := read(t, fresh)[:strings.LastIndex(strings.TrimSpace(read(t, fresh)), "\n")+1]
	if !strings.Contains(header, "userfarm keyring") {
		t.Errorf("a new file does not mention userfarm keyring:\n%s", header)
	}
	former := write(t, `# userfarm encryption keys, one a line, base64 of 32 bytes. The first seals, all open.
# Without this file the passwords in the database can't be read: back it up, apart from the database.
# To change the key, add the new one as the second, restart every replica, and only then make it the first.
`+line(1))
	for _, path := range []string{fresh, former} {
		if _, err := sealing.AddKey(path, false); err != nil {
			t.Fatal(err)
		}
		if text := read(t, path); !strings.HasPrefix(text, header) || strings.Count(text, "#") != strings.Count(header, "#") {
			t.Errorf("the file begins with:\n%s\nwant\n%s", text, header)
		}
	}
}

func TestAnEditKeepsTheModeAndTheLink(t *testing.T) {
	target := write(t, line(1))
	if err := os.Chmod(target, 0o440); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := sealing.AddKey(link, false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v (%v)", info.Mode(), err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("the mode is %v, want 0440 (%v)", info.Mode().Perm(), err)
	}
	if n := len(open(t, target).KeyIDs()); n != 2 {
		t.Errorf("the file has %d keys, want 2", n)
	}
	for _, path := range []string{target, link} {
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("%d files are left, want one", len(left))
		}
	}
}

// A killed editor may leave an unfinished file. It has all the keys, and already the mode of the key file.
func TestTheNextEditReplacesTheFileOfAKilledEditor(t *testing.T) {
	path := write(t, line(1))
	unfinished := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"5542358294425003127")
	if err := os.WriteFile(unfinished, []byte(line(1)+line(2)+line(3)), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := sealing.AddKey(path, false); err != nil {
		t.Fatal(err)
	}
	if n := len(open(t, path).KeyIDs()); n != 2 {
		t.Errorf("the file has %d keys, want 2", n)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600 (%v)", info.Mode().Perm(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("the folder holds %d files, want the key file alone", len(left))
	}
}

// Another account must not get the keys through a link or a file that it has created in the folder.
func TestAnEditWritesToNoExistingFile(t *testing.T) {
	path, elsewhere := write(t, line(1)), write(t, "")
	unfinished := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"1")
	for _, link := range []string{path + ".new", unfinished} {
		if err := os.Symlink(elsewhere, link); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sealing.AddKey(path, false); err != nil {
		t.Fatal(err)
	}
	if text := read(t, elsewhere); text != "" {
		t.Errorf("the keys were also written to another file:\n%s", text)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the key file has the mode %v (%v)", info.Mode(), err)
	}
}

func TestAnEditKeepsOtherFiles(t *testing.T) {
	path := write(t, line(1))
	others := []string{".farm.key", ".farm.key.swp", ".farm.key1~", ".farm.key-1", "farm.key1", ".other.key1"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sealing.AddKey(path, false); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != len(others)+1 {
		t.Errorf("%d files are left, want the key file and the %d others", len(left), len(others))
	}
}

func TestEditorsWaitForEachOther(t *testing.T) {
	path := write(t, line(1))
	var editing sync.WaitGroup
	for range 16 {
		editing.Go(func() {
			if _, err := sealing.AddKey(path, false); err != nil {
				t.Error(err)
			}
		})
	}
	editing.Wait()
	if n := len(open(t, path).KeyIDs()); n != 17 {
		t.Errorf("the file has %d keys, want 17: an edit was lost", n)
	}
}

func id(t testing.TB, n byte) string {
	t.Helper()
	return ring(t, key(n)).KeyIDs()[0]
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
