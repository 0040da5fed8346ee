package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/userfarm/userfarm/domain"
)

// Profile says where a farm is, who asks, and for which users by default. All fields may be empty.
type Profile struct {
	URL        string
	APIKey     domain.Secret
	APIKeyFile string // absolute, or relative to the folder of the file with the profiles
	Project    string // a name or an id
	Env        string
}

// File is what a file with profiles has.
type File struct {
	Path     string
	Default  string // the name of a profile; empty for none
	Profiles map[string]Profile
}

// DefaultPath returns the path of the file in the folder that the platform has for such files.
func DefaultPath() string { return filepath.Join(xdg.ConfigHome, "userfarm", "profiles.json") }

// Load reads a file. A file that does not exist has no profiles. Load refuses a file with an API key that others can read.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &File{Path: path}, nil
	case err != nil:
		return nil, err
	}
	file, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	return file, file.checkMode()
}

// checkMode returns an error if others can read an API key. The mode of a file says nothing on Windows.
func (f *File) checkMode() error {
	const others = 0o077
	info, err := os.Stat(f.Path) //nolint:gosec // it was just read
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&others == 0 {
		return err
	}
	for _, p := range f.Profiles {
		if p.APIKey.Reveal() != "" {
			return fmt.Errorf("%s has an API key, and others on this machine can read it (mode %v): chmod 600 %[1]s", f.Path, info.Mode().Perm())
		}
	}
	return nil
}

// Names returns the names of the profiles in alphabetical order.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Profiles)) }

// Pick returns the profile with this name. Without a name it is the default one, or an empty one if there is none.
func (f *File) Pick(name string) (Profile, error) {
	if name == "" {
		if f.Default == "" {
			return Profile{}, nil
		}
		name = f.Default
	}
	p, known := f.Profiles[name]
	if !known {
		return Profile{}, f.unknown(name)
	}
	return p, nil
}

func (f *File) unknown(name string) error {
	if len(f.Profiles) == 0 {
		return fmt.Errorf("there is no profile %q: %s has none; userfarm profiles set adds one", name, f.Path)
	}
	return fmt.Errorf("there is no profile %q in %s, which has %s", name, f.Path, strings.Join(f.Names(), ", "))
}

// ReadKey returns the API key of a profile, which may be in a file of its own; empty if it has none.
func (f *File) ReadKey(p Profile) (domain.Secret, error) {
	if p.APIKeyFile == "" {
		return p.APIKey, nil
	}
	path := p.APIKeyFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.Path), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return domain.Secret{}, fmt.Errorf("%s: api_key_file: %w", f.Path, err)
	}
	return domain.NewSecret(strings.TrimSpace(string(text))), nil
}
