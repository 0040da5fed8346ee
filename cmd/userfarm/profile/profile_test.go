package profile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/cmd/userfarm/profile"
	"github.com/userfarm/userfarm/domain"
)

const secret = "userfarm_correct_horse"

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profiles.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *profile.File {
	t.Helper()
	file, err := profile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func pick(t *testing.T, file *profile.File, name string) profile.Profile {
	t.Helper()
	picked, err := file.Pick(name)
	if err != nil {
		t.Fatal(err)
	}
	return picked
}

const two = `{
  "default": "work",
  "profiles": {
    "lab": {
      "url": "http://lab:8000",
      "api_key_file": "lab.key",
      "project": "007",
      "env": "stage"
    },
    "work": {
      "url": "https://farm.example.com",
      "api_key": "` + secret + `"
    }
  }
}
`

func TestAFileHasProfiles(t *testing.T) {
	file := load(t, write(t, two))
	work := profile.Profile{URL: "https://farm.example.com", APIKey: domain.NewSecret(secret)}
	if got := pick(t, file, ""); got != work {
		t.Errorf("the default profile is %+v", got)
	}
	if got, want := pick(t, file, "lab"), (profile.Profile{URL: "http://lab:8000", APIKeyFile: "lab.key", Project: "007", Env: "stage"}); got != want {
		t.Errorf("got %+v", got)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file.Path), "lab.key"), []byte(secret+"2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"work": secret, "lab": secret + "2"} {
		if key, err := file.ReadKey(pick(t, file, name)); err != nil || key.Reveal() != want {
			t.Errorf("%s has another key (%v)", name, err)
		}
	}
}

func TestNoFileAndAnEmptyOneHaveNoProfiles(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "none", "profiles.json"), write(t, ""), write(t, " \n"), write(t, "{}"), write(t, `{"profiles": {}}`)} {
		file := load(t, path)
		if got := pick(t, file, ""); got != (profile.Profile{}) {
			t.Errorf("got %+v", got)
		}
		if _, err := file.Pick("work"); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), `"work"`) {
			t.Errorf("got the error %v", err)
		}
	}
}

func TestAnUnknownProfileIsToldFromTheKnownOnes(t *testing.T) {
	_, err := load(t, write(t, two)).Pick("home")
	if err == nil || !strings.Contains(err.Error(), `no profile "home"`) || !strings.Contains(err.Error(), "lab, work") {
		t.Errorf("got the error %v", err)
	}
}

func TestWithoutProfilesAnErrorSaysHowToAddOne(t *testing.T) {
	_, err := load(t, write(t, "{}")).Pick("home")
	if err == nil || !strings.Contains(err.Error(), "has none; userfarm profiles set adds one") {
		t.Errorf("got the error %v", err)
	}
}

// An error names the line and the field, and quotes no value.
func TestABadFileIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{\"profiles\": {\"work\": {\n\"urll\": \"x\"}}}":                   `:2: unknown field /profiles/work/urll; known are url, api_key, api_key_file, project, env`,
		`{"profile": {"work": {}}}`:                                         `:1: unknown field /profile; known are default, profiles`,
		`{"default": "home", "profiles": {"work": {}}}`:                     `: default must be the name of a profile; known are work`,
		`{"default": "home"}`:                                               `: default must be the name of a profile; the file has none, so remove default`,
		`{"profiles": {"work": "` + secret + `"}}`:                          `:1: /profiles/work must be an object`,
		"{\"profiles\":\n{\"work\":\n{\"api_key\": [\"" + secret + "\"]}}}": `:3: /profiles/work/api_key must be a text`,
		`{"profiles": {"work": {"api_key": "x", "api_key_file": "y"}}}`:     `: profile "work" has both api_key and api_key_file`,
		"{\"profiles\": {\"work\": {},\n\"work\": {}}}":                     `:2: /profiles/work is there twice`,
		`{"profiles": {"my work": {}}}`:                                     `: "my work": the name of a profile must be 1 to 64 letters`,
		"{\"profiles\":\n{\"work\": {\"api_key\": \"" + secret + "\",}}}":   `:2: not JSON: `,
		`{"profiles": {`:                         `:1: not JSON: `,
		"{}\n{}":                                 `:2: not JSON: `,
		`["` + secret + `"]`:                     `:1: the file must be an object`,
		"default: work\nprofiles:\n  work: {}\n": `:1: not JSON: `,
	} {
		path := write(t, text)
		_, err := profile.Load(path)
		if err == nil {
			t.Errorf("%s is accepted", text)
			continue
		}
		if !strings.Contains(err.Error(), path+want) {
			t.Errorf("%s: got\n%v\nwant\n%s", text, err, want)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error has the API key: %v", text, err)
		}
	}
}

func TestOthersMustNotReadAnAPIKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode of a file says nothing")
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666} {
		path := write(t, two)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := profile.Load(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) || strings.Contains(err.Error(), secret) {
			t.Errorf("mode %v: got the error %v", mode, err)
		}
	}
	path := write(t, strings.ReplaceAll(two, `"api_key": "`+secret, `"env": "stage`))
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // it has no key
		t.Fatal(err)
	}
	load(t, path)
}

func text(s string) *string { return &s }

func TestProfilesAreChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "profiles.json")
	key := domain.NewSecret(secret)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(load(t, path).Set("work", profile.Change{URL: text("http://a"), APIKey: &key}))
	must(load(t, path).Set("lab", profile.Change{URL: text("http://b"), APIKeyFile: text("b.key"), Project: text("007"), Env: text("null")}))
	want := map[string]profile.Profile{
		"work": {URL: "http://a", APIKey: key}, "lab": {URL: "http://b", APIKeyFile: "b.key", Project: "007", Env: "null"},
	}
	wantFile := func(byDefault string) {
		t.Helper()
		if file := load(t, path); file.Default != byDefault || !reflect.DeepEqual(file.Profiles, want) {
			t.Errorf("the default is %q and the profiles are %+v, want %q and %+v", file.Default, file.Profiles, byDefault, want)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("the mode is %v (%v)", info.Mode(), err)
		}
	}
	wantFile("work") // the first one

	must(load(t, path).Use("lab"))
	must(load(t, path).Set("lab", profile.Change{APIKey: &key, Env: text("")}))
	must(load(t, path).Set("work", profile.Change{APIKeyFile: text("/a.key")}))
	want["lab"] = profile.Profile{URL: "http://b", APIKey: key, Project: "007"}
	want["work"] = profile.Profile{URL: "http://a", APIKeyFile: "/a.key"}
	wantFile("lab")

	must(load(t, path).Remove("lab"))
	delete(want, "lab")
	wantFile("")
	for _, err := range []error{load(t, path).Use("lab"), load(t, path).Remove("lab"), load(t, path).Set("my lab", profile.Change{})} {
		if err == nil {
			t.Error("there is no error")
		}
	}
	wantFile("")
}

func TestAChangeKeepsTheRest(t *testing.T) {
	path := write(t, two)
	link := filepath.Join(t.TempDir(), "profiles.json")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if err := load(t, link).Set("lab", profile.Change{URL: text("http://new")}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != strings.Replace(two, "http://lab:8000", "http://new", 1) {
		t.Errorf("the file is\n%s(%v)", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is a file now (%v)", err)
	}
}

func FuzzAFileIsReadOrRefused(f *testing.F) {
	for _, text := range []string{two, "", "null", `{"profiles": {"a": null}}`, `{"profiles": {"a": {"url": 1}}}`, "{}{}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, content string) {
		path := write(t, content)
		file, err := profile.Load(path)
		if err != nil {
			return
		}
		if err := file.Set("fuzz", profile.Change{Env: text("x")}); err != nil {
			return // the file has something that can't be written
		}
		if got := pick(t, load(t, path), "fuzz"); got.Env != "x" {
			t.Errorf("the profile is %+v", got)
		}
	})
}
