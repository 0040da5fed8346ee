package main

import (
	"os"
	"sync"

	"github.com/alecthomas/kong"

	"github.com/userfarm/userfarm/cmd/userfarm/profile"
)

// profileSettings gives flags what a profile says, unless the command line or the environment says something else. It reads the file
// with the profiles when the first command needs it.
type profileSettings struct {
	load func() (*profile.File, error)
	said map[string]string // values of flags that a profile gave
}

func newProfileSettings() *profileSettings {
	return &profileSettings{
		load: sync.OnceValues(func() (*profile.File, error) { return profile.Load(profile.DefaultPath()) }), said: make(map[string]string),
	}
}

// profileError is an error of a profile, or of the file with all of them.
type profileError struct{ err error }

// Error returns the text of the error.
func (e *profileError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *profileError) Unwrap() error { return e.err }

// pick returns a profile. Without a name it is the default one, or an empty one.
func (s *profileSettings) pick(name string) (*profile.File, profile.Profile, error) {
	file, err := s.load()
	if err != nil {
		return nil, profile.Profile{}, &profileError{err}
	}
	picked, err := file.Pick(name)
	if err != nil {
		return nil, picked, &profileError{err}
	}
	return file, picked, nil
}

// profileFlag is the flag that commands have whose other flags may come from a profile.
const profileFlag = "profile"

// Validate implements [kong.Resolver].
func (*profileSettings) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver].
func (s *profileSettings) Resolve(of *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	chosen, has := profileOf(of, parent)
	if !has || inEnvironment(flag) {
		return nil, nil //nolint:nilnil // kong's word for nothing to say
	}
	_, p, err := s.pick(chosen)
	if err != nil {
		return nil, err
	}
	// The API key has no flag: see farmFlags.
	said := map[string]string{"url": p.URL, "project": p.Project, "env": p.Env}[flag.Name]
	if said == "" {
		return nil, nil //nolint:nilnil // as above
	}
	s.said[flag.Name] = said
	return said, nil
}

// profileOf returns the profile that a command is to use. ok is false for a command that uses none.
func profileOf(of *kong.Context, parent *kong.Path) (name string, ok bool) {
	for _, flag := range parent.Flags {
		if flag.Name == profileFlag {
			name, ok = of.FlagValue(flag).(string)
		}
	}
	return name, ok
}

func inEnvironment(flag *kong.Flag) bool {
	for _, variable := range flag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return true
		}
	}
	return false
}
