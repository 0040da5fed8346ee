package profile

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"

	"github.com/userfarm/userfarm/domain"
)

// Change says what changes of a profile. A field that is nil stays as it is, and an empty one is removed.
type Change struct {
	URL, APIKeyFile, Project, Env *string
	APIKey                        *domain.Secret
}

// Set changes a profile, or adds it. The first profile becomes the default one. An API key replaces its file, and the other way round.
func (f *File) Set(profile string, change Change) error {
	if !name.MatchString(profile) {
		return errors.New("the name of a profile " + nameRule)
	}
	if len(f.Profiles) == 0 {
		f.Profiles, f.Default = make(map[string]Profile), profile
	}
	p := f.Profiles[profile]
	if change.APIKeyFile != nil {
		p.APIKey = domain.Secret{}
	}
	if change.APIKey != nil {
		p.APIKey, p.APIKeyFile = *change.APIKey, ""
	}
	for text, field := range map[*string]*string{
		change.URL: &p.URL, change.APIKeyFile: &p.APIKeyFile, change.Project: &p.Project, change.Env: &p.Env,
	} {
		if text != nil {
			*field = *text
		}
	}
	f.Profiles[profile] = p
	return f.write()
}

// Use makes a profile the default one.
func (f *File) Use(profile string) error {
	if _, known := f.Profiles[profile]; !known {
		return f.unknown(profile)
	}
	f.Default = profile
	return f.write()
}

// Remove removes a profile. If it was the default one, there is none afterwards.
func (f *File) Remove(profile string) error {
	if _, known := f.Profiles[profile]; !known {
		return f.unknown(profile)
	}
	delete(f.Profiles, profile)
	if f.Default == profile {
		f.Default = ""
	}
	return f.write()
}

// write writes the file, so that only its owner can read it. A crash leaves the old file or the new one.
func (f *File) write() error {
	text, err := f.text()
	if err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		path, err = f.Path, os.MkdirAll(filepath.Dir(f.Path), 0o700)
	}
	if err != nil {
		return err
	}
	return maybe.WriteFile(path, text, 0o600)
}
