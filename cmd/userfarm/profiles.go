package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/userfarm/userfarm/adapters/client"
	"github.com/userfarm/userfarm/cmd/userfarm/profile"
	"github.com/userfarm/userfarm/domain"
)

// profiles manages the file with the addresses and API keys of farms.
type profiles struct {
	List   listProfiles  `cmd:"" default:"withargs" help:"List the profiles."`
	Set    setProfile    `cmd:"" help:"Add a profile, or change it. The first one becomes the default."`
	Use    useProfile    `cmd:"" help:"Make a profile the default."`
	Remove removeProfile `cmd:"" help:"Remove a profile."`
}

type listProfiles struct {
	jsonFlag `embed:""`
}

// Help has the examples.
func (*listProfiles) Help() string {
	return `A profile has the address of a farm and the API key, and perhaps a project and an environment. Commands that use a farm take a
profile from --profile or USERFARM_PROFILE, or the default one. Flags and environment variables count before it.
The file is userfarm/profiles.json in ~/.config, on macOS in ~/Library/Application Support, and on Windows in %LOCALAPPDATA%.

Examples:

  userfarm profiles
  userfarm who --profile lab`
}

// shownProfile is a profile in JSON.
type shownProfile struct {
	Name       string `json:"name"`
	Default    bool   `json:"default"`
	URL        string `json:"url"`
	HasAPIKey  bool   `json:"has_api_key"`
	APIKeyFile string `json:"api_key_file"`
	Project    string `json:"project"`
	Env        string `json:"env"`
}

// Run lists the profiles, without API keys.
func (l *listProfiles) Run(context.Context) error {
	file, err := profile.Load(profile.DefaultPath())
	if err != nil {
		return err
	}
	shown := make([]shownProfile, 0, len(file.Profiles))
	for _, name := range file.Names() {
		p := file.Profiles[name]
		shown = append(shown, shownProfile{
			Name: name, Default: name == file.Default, URL: p.URL, HasAPIKey: p.APIKey.Reveal() != "", APIKeyFile: p.APIKeyFile,
			Project: p.Project, Env: p.Env,
		})
	}
	if l.JSON {
		return writeJSON(struct {
			Profiles []shownProfile `json:"profiles"`
		}{shown})
	}
	rows := [][]string{{"NAME", "DEFAULT", "URL", "API KEY", "PROJECT", "ENV"}}
	for _, p := range shown {
		isDefault, key := "", p.APIKeyFile
		if p.Default {
			isDefault = "yes"
		}
		if p.HasAPIKey {
			key = "in the profile"
		}
		rows = append(rows, []string{p.Name, isDefault, p.URL, key, p.Project, p.Env})
	}
	return writeTable(os.Stdout, rows)
}

type setProfile struct {
	Name       string       `arg:"" help:"Name of the profile."`
	URL        *string      `help:"Address of the farm." placeholder:"URL"`
	APIKey     bool         `name:"api-key" help:"Keep an API key in the profile: a terminal asks for it, and otherwise it is the first line of standard input."`
	APIKeyFile *string      `help:"File that has the API key." placeholder:"FILE"`
	Project    *projectName `help:"Project that --project is by default." placeholder:"PROJECT"`
	Env        *string      `help:"Environment that --env is by default." placeholder:"ENV"`
}

// Help has the examples.
func (*setProfile) Help() string {
	return `A flag changes its field, and an empty one removes it: --project "". There is no flag for the API key itself, because other accounts on
the machine can see flags.

Examples:

  userfarm profiles set work --url https://farm.example.com --api-key
  pass show userfarm | userfarm profiles set work --api-key
  userfarm profiles set lab --url http://lab.example.com:8000 --api-key-file ~/lab.key --project Shop --env stage`
}

// Validate returns an error for flags that make no sense. The command line calls it.
func (s *setProfile) Validate() error {
	if s.URL == nil && !s.APIKey && s.APIKeyFile == nil && s.Project == nil && s.Env == nil {
		return errors.New("say what the profile has: --url, --api-key, --api-key-file, --project or --env")
	}
	if s.APIKeyFile != nil && *s.APIKeyFile == "-" {
		return errors.New("--api-key-file must be the name of a file; --api-key reads the key from standard input")
	}
	if s.APIKeyFile != nil && !utf8.ValidString(*s.APIKeyFile) {
		return errors.New("--api-key-file must be valid UTF-8, because a profile keeps it as JSON")
	}
	if s.APIKey && s.APIKeyFile != nil {
		return errors.New("--api-key and --api-key-file exclude each other")
	}
	if s.URL != nil && *s.URL != "" {
		if _, err := client.New(*s.URL); err != nil {
			return fmt.Errorf("--url: %w", plain(err))
		}
	}
	return nil
}

// Run writes the profile.
func (s *setProfile) Run(context.Context) error {
	file, err := profile.Load(profile.DefaultPath())
	if err != nil {
		return err
	}
	change, err := s.change()
	if err != nil {
		return err
	}
	return file.Set(s.Name, change)
}

// change returns what changes. The API key may be in a file that is named from the folder of now.
func (s *setProfile) change() (change profile.Change, err error) {
	change = profile.Change{URL: s.URL, APIKeyFile: s.APIKeyFile, Env: s.Env}
	if s.Project != nil {
		project := s.Project.String()
		change.Project = &project
	}
	if s.APIKeyFile != nil && *s.APIKeyFile != "" {
		absolute, err := filepath.Abs(*s.APIKeyFile)
		if err != nil {
			return change, err
		}
		change.APIKeyFile = &absolute
	}
	if s.APIKey {
		key, err := askSecret("API key")
		if err != nil {
			return change, err
		}
		if _, err := domain.ParseToken(key.Reveal()); err != nil {
			return change, fmt.Errorf("API key: %w", err)
		}
		change.APIKey = &key
	}
	return change, nil
}

type useProfile struct {
	Name string `arg:"" help:"Name of the profile."`
}

// Help has the example.
func (*useProfile) Help() string {
	return `Example:

  userfarm profiles use lab`
}

// Run makes the profile the default.
func (u *useProfile) Run(context.Context) error {
	file, err := profile.Load(profile.DefaultPath())
	if err != nil {
		return err
	}
	return file.Use(u.Name)
}

type removeProfile struct {
	Name string `arg:"" help:"Name of the profile."`
}

// Help has the example.
func (*removeProfile) Help() string {
	return `Example:

  userfarm profiles remove lab`
}

// Run removes the profile.
func (r *removeProfile) Run(context.Context) error {
	file, err := profile.Load(profile.DefaultPath())
	if err != nil {
		return err
	}
	return file.Remove(r.Name)
}
