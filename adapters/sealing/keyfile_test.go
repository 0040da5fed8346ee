package sealing_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
	"github.com/userfarm/userfarm/ports/portstest"
)

var (
	user   = domain.UserID{1}
	secret = domain.NewSecret("correct horse")
)

func TestKeyFile(t *testing.T) {
	path := write(t, line(1)+line(2))
	portstest.TestSealer(t, func(t testing.TB) ports.Sealer { return open(t, path) })
}

func TestAKeyFileHasOneKeyPerLineAndComments(t *testing.T) {
	f := open(t, write(t, "# a comment\r\n\n  "+strings.TrimSpace(line(2))+"\r\n"+strings.TrimSpace(line(1))))
	if want := ring(t, key(2), key(1)).KeyIDs(); !slices.Equal(f.KeyIDs(), want) {
		t.Errorf("keys = %v, want %v", f.KeyIDs(), want)
	}
}

func TestErrorsNameTheLineAndNeverQuoteIt(t *testing.T) {
	almost := base64.StdEncoding.EncodeToString(key(1)[1:])
	for text, says := range map[string]string{
		"# keys\n" + almost + "\n":                        "line 2",
		line(1) + "\n" + strings.TrimSpace(line(2)) + "!": "line 3",
		line(1) + line(1):                                 "key 2",
		"# only a comment\n":                              "no key",
		"":                                                "no key",
	} {
		_, err := sealing.OpenKeyFile(write(t, text), unexpected(t))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "farm.key") {
			t.Errorf("%q: err = %v, want it to contain %s and to name the file", text, err, says)
			continue
		}
		wantNoKeys(t, err, almost, line(1), line(2))
	}
	if _, err := sealing.OpenKeyFile(filepath.Join(t.TempDir(), "none"), unexpected(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: err = %v", err)
	}
}

func TestAnAddedKeySealsWithoutARestart(t *testing.T) {
	path := write(t, line(1))
	f := open(t, path)
	before := seal(t, f)

	added, err := sealing.AddKey(path, false)
	if err != nil {
		t.Fatal(err)
	}

	_, by, err := f.Seal(user, secret)
	if err != nil || by != added {
		t.Errorf("sealed with key %s (%v), want %s", by, err, added)
	}
	if ids := f.KeyIDs(); len(ids) != 2 || ids[0] != added {
		t.Errorf("keys = %v, want %s first", ids, added)
	}
	wantOpens(t, f, before)
}

func TestAFileThatReplacesAnotherOfTheSameSizeAndTimeIsRead(t *testing.T) {
	path := write(t, line(1)+line(2))
	f := open(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	other := write(t, line(2)+line(1))
	if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if want := ring(t, key(2), key(1)).KeyIDs(); !slices.Equal(f.KeyIDs(), want) {
		t.Errorf("keys = %v, want %v", f.KeyIDs(), want)
	}
}

// Another replica may read the new key first.
func TestDataThatAnotherProcessSealedWithANewKeyOpens(t *testing.T) {
	path := write(t, line(1))
	here, there := open(t, path), open(t, path)
	if _, err := sealing.AddKey(path, false); err != nil {
		t.Fatal(err)
	}
	wantOpens(t, here, seal(t, there))
}

func TestDataOfAnUnknownKeyDoesNotOpen(t *testing.T) {
	f := open(t, write(t, line(1)))
	if _, err := f.Open(user, seal(t, ring(t, key(2)))); !errors.Is(err, ports.ErrUnsealable) {
		t.Errorf("open = %v, want %v", err, ports.ErrUnsealable)
	}
}

func TestAFileThatBecomesInvalidKeepsTheKeysAndIsReportedOnce(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"removed":    os.Remove,
		"emptied":    func(path string) error { return os.Truncate(path, 0) },
		"cut off":    func(path string) error { return os.Truncate(path, int64(len(line(1))-5)) },
		"a folder":   func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"other text": func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, line(1)+line(2))
			var reports []error
			f, err := sealing.OpenKeyFile(path, func(err error) { reports = append(reports, err) })
			if err != nil {
				t.Fatal(err)
			}
			before := f.KeyIDs()

			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				wantOpens(t, f, seal(t, f))
			}
			if !slices.Equal(f.KeyIDs(), before) {
				t.Errorf("keys = %v, want %v", f.KeyIDs(), before)
			}
			if len(reports) != 1 {
				t.Fatalf("got %d reports, want one: %v", len(reports), reports)
			}
			wantNoKeys(t, reports[0], line(1), line(2))

			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			f.KeyIDs()
			if err := os.WriteFile(path, []byte(line(2)), 0o600); err != nil {
				t.Fatal(err)
			}
			if want := ring(t, key(2)).KeyIDs(); !slices.Equal(f.KeyIDs(), want) {
				t.Errorf("after the repair, keys = %v, want %v", f.KeyIDs(), want)
			}
		})
	}
}

// A new owner or mode changes neither the size nor the time of the file.
func TestAFileThatBecomesReadableIsRead(t *testing.T) {
	path := write(t, line(1))
	reports := 0
	f, err := sealing.OpenKeyFile(path, func(error) { reports++ })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte(line(2)+line(1)), 0o600), os.Chmod(path, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err == nil {
		t.Skip("root can read every file")
	}
	synctest.Test(t, func(t *testing.T) {
		for range 3 {
			f.KeyIDs()
			time.Sleep(time.Second)
		}
		if reports != 1 {
			t.Errorf("reported %d times, want once", reports)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if want := ring(t, key(2), key(1)).KeyIDs(); !slices.Equal(f.KeyIDs(), want) {
			t.Errorf("keys = %v, want %v", f.KeyIDs(), want)
		}
	})
}

func TestAKeyFileServesManyCallersDuringEdits(t *testing.T) {
	path := write(t, line(1))
	f := open(t, path)
	var using, editing sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		using.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				box, _, err := f.Seal(user, secret)
				if err != nil {
					t.Error(err)
					return
				}
				if opened, err := f.Open(user, box); err != nil || opened != secret {
					t.Errorf("sealed data does not open: %v", err)
					return
				}
			}
		})
	}
	editing.Go(func() {
		for range 20 {
			old := f.KeyIDs()[0]
			added, err := sealing.AddKey(path, true)
			if err == nil {
				err = sealing.Promote(path, added)
			}
			if err != nil {
				t.Errorf("replace %s: %v", old, err)
			}
		}
	})
	editing.Wait()
	close(stop)
	using.Wait()
	if n := len(f.KeyIDs()); n != 21 {
		t.Errorf("%d keys at the end, want 21", n)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("# c\n" + line(1)))
	f.Add([]byte("\xff\n=\n"))
	f.Add([]byte(line(1) + "\r\n# a\r\n# b\n" + strings.TrimSpace(line(2))))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := write(t, string(text))
		opened, err := sealing.OpenKeyFile(path, unexpected(t))
		if err != nil {
			for line := range strings.Lines(string(text)) {
				if entry := strings.TrimSpace(line); len(entry) > 20 && strings.Contains(err.Error(), entry) {
					t.Errorf("%v quotes the file", err)
				}
			}
			return
		}
		before := opened.KeyIDs()
		if len(before) == 0 {
			t.Fatal("the ring has no key")
		}
		// Every file that can be read can also be edited, and no key is lost.
		added, err := sealing.AddKey(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if want := append(slices.Clone(before), added); !slices.Equal(opened.KeyIDs(), want) {
			t.Errorf("keys = %v, want %v", opened.KeyIDs(), want)
		}
		if err := sealing.Promote(path, added); err != nil {
			t.Fatal(err)
		}
		if want := append([]string{added}, before...); !slices.Equal(opened.KeyIDs(), want) {
			t.Errorf("keys = %v, want %v", opened.KeyIDs(), want)
		}
		if err := sealing.RemoveKey(path, before[0]); err != nil {
			t.Fatal(err)
		}
		if want := append([]string{added}, before[1:]...); !slices.Equal(opened.KeyIDs(), want) {
			t.Errorf("keys = %v, want %v", opened.KeyIDs(), want)
		}
	})
}

func BenchmarkKeyFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "farm.key")
	if err := sealing.CreateKeyFile(path); err != nil {
		b.Fatal(err)
	}
	f := open(b, path)
	box := seal(b, f)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			seal(b, f)
		}
	})
	b.Run("open", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := f.Open(user, box); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// line is a line of a key file.
func line(n byte) string { return base64.StdEncoding.EncodeToString(key(n)) + "\n" }

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "farm.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) *sealing.KeyFile {
	t.Helper()
	f, err := sealing.OpenKeyFile(path, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func unexpected(t testing.TB) func(error) {
	return func(err error) { t.Errorf("reported: %v", err) }
}

func seal(t testing.TB, s ports.Sealer) []byte {
	t.Helper()
	box, _, err := s.Seal(user, secret)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func wantOpens(t testing.TB, s ports.Sealer, box []byte) {
	t.Helper()
	if opened, err := s.Open(user, box); err != nil || opened != secret {
		t.Errorf("sealed data does not open: %v", err)
	}
}

func wantNoKeys(t testing.TB, err error, keys ...string) {
	t.Helper()
	for _, key := range keys {
		for begin := 0; begin+8 <= len(key); begin += 4 { // nor a part of a key
			if part := key[begin : begin+8]; strings.Contains(err.Error(), part) {
				t.Errorf("%v quotes a key", err)
			}
		}
	}
}
