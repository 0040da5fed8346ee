package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/userfarm/userfarm/domain"
)

type addUser struct {
	farmFlags `embed:""`
	jsonFlag  `embed:""`

	Login        string      `arg:"" help:"Login of the user."`
	Project      projectName `help:"Project of the user: its id, or its name if it has one." required:"" placeholder:"PROJECT"`
	Env          string      `help:"Environment of the user, such as stage." required:""`
	Domain       string      `help:"Domain of the user." required:""`
	Label        []label     `help:"Label of the user; may be repeated." placeholder:"KEY=VALUE" sep:"none"`
	PasswordFile string      `help:"File with the password; - is standard input. Without it, a terminal asks for the password." placeholder:"FILE"`
	TOTPFile     string      `name:"totp-file" help:"File with the secret of the second factor: base32, or an otpauth: URI." placeholder:"FILE"`
	Reason       string      `help:"Why, for people." placeholder:"REASON"`
}

// Help has the examples.
func (*addUser) Help() string {
	return `Examples:

  userfarm users add ann@example.com --project 5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39 --env stage --domain regular --label role=admin
  pass show ann | userfarm users add ann@example.com … --password-file - --reason "for the checkout tests"`
}

// Validate returns an error if a label is given twice. The command line calls it.
func (a *addUser) Validate() error { return checkLabels("--label", a.Label) }

// Run adds the user.
func (a *addUser) Run(ctx context.Context) error {
	project, err := a.Project.find(ctx, a.farm)
	if err != nil {
		return a.advise(err)
	}
	password, err := readPassword(a.PasswordFile)
	if err != nil {
		return err
	}
	spec := domain.Spec{
		Login: a.Login, Password: password, Labels: labelsOf(a.Label),
		Pool: domain.Pool{ProjectID: project, Env: a.Env, Domain: a.Domain}, Reason: a.Reason,
	}
	if spec.TOTP, err = readTOTP(a.TOTPFile); err != nil {
		return err
	}
	view, err := a.farm.CreateUser(ctx, spec, domain.IdempotencyKey{})
	if err != nil {
		return a.advise(err)
	}
	return a.writeUser(ctx, a.farm, view)
}

type changeUser struct {
	oneUser  `embed:""`
	jsonFlag `embed:""`

	Label        []label  `help:"Label to add or to change; may be repeated." placeholder:"KEY=VALUE" sep:"none"`
	RemoveLabel  []string `help:"Label to remove; may be repeated." placeholder:"KEY" sep:"none"`
	Password     bool     `help:"Change the password; a terminal asks for it."`
	PasswordFile string   `help:"File with the new password; - is standard input." placeholder:"FILE"`
	TOTPFile     string   `name:"totp-file" help:"File with the new secret of the second factor: base32, or an otpauth: URI." placeholder:"FILE"`
	RemoveTOTP   bool     `name:"remove-totp" help:"Remove the second factor."`
	Reason       string   `help:"Why, for people." placeholder:"REASON"`
}

// Help has the examples.
func (*changeUser) Help() string {
	return `Examples:

  userfarm users change ann@example.com --label plan=free --remove-label region
  userfarm users change ann@example.com --password --reason "the old one has expired"`
}

// Validate returns an error for flags that make no sense together. The command line calls it.
func (c *changeUser) Validate() error {
	if c.TOTPFile != "" && c.RemoveTOTP {
		return errors.New("--totp-file and --remove-totp exclude each other")
	}
	if len(c.Label)+len(c.RemoveLabel) == 0 && !c.Password && c.PasswordFile == "" && c.TOTPFile == "" && !c.RemoveTOTP {
		return errors.New("say what to change: --label, --remove-label, --password, --password-file, --totp-file or --remove-totp")
	}
	for _, label := range c.Label {
		if slices.Contains(c.RemoveLabel, label.key) {
			return fmt.Errorf("--label and --remove-label exclude each other for the label %s", label.key)
		}
	}
	return checkLabels("--label", c.Label)
}

// Run changes the user.
func (c *changeUser) Run(ctx context.Context) error {
	view, err := c.find(ctx)
	if err != nil {
		return err
	}
	change, err := c.change(view.Labels)
	if err != nil {
		return err
	}
	change.Reason = c.Reason
	if view, err = c.farm.ChangeUser(ctx, view.ID, change); err != nil {
		return c.advise(err)
	}
	return c.writeUser(ctx, c.farm, view)
}

// change returns what changes of a user with these labels.
func (c *changeUser) change(labels domain.Labels) (change domain.Change, err error) {
	if len(c.Label)+len(c.RemoveLabel) > 0 {
		changed := labels.Clone()
		maps.Copy(changed, labelsOf(c.Label))
		for _, key := range c.RemoveLabel {
			delete(changed, key)
		}
		change.Labels = &changed
	}
	if c.Password || c.PasswordFile != "" {
		password, err := readPassword(c.PasswordFile)
		if err != nil {
			return change, err
		}
		change.Password = &password
	}
	if c.TOTPFile != "" || c.RemoveTOTP {
		totp, err := readTOTP(c.TOTPFile)
		if err != nil {
			return change, err
		}
		change.TOTP = &totp
	}
	return change, nil
}

// readPassword reads a password from a file, or from a terminal, which does not show it.
func readPassword(file string) (domain.Secret, error) {
	if file != "" {
		return readSecret("--password-file", file)
	}
	if !term.IsTerminal(stdin()) {
		return domain.Secret{}, errors.New("there is no terminal to ask for the password: pipe it in with --password-file -, or name its file")
	}
	return askSecret("password")
}

// askSecret asks a terminal for a secret, which does not show it. Without a terminal, it is the first line of standard input.
func askSecret(name string) (domain.Secret, error) {
	if !term.IsTerminal(stdin()) {
		return readSecret(name, "-")
	}
	fmt.Fprint(os.Stderr, name+": ")
	text, err := term.ReadPassword(stdin())
	fmt.Fprintln(os.Stderr)
	return domain.NewSecret(string(text)), err
}

func stdin() int { return int(os.Stdin.Fd()) } //nolint:gosec // descriptors are small

// readTOTP reads the secret of a second factor from a file. Without a file there is none.
func readTOTP(file string) (domain.TOTP, error) {
	if file == "" {
		return domain.TOTP{}, nil
	}
	secret, err := readSecret("--totp-file", file)
	if err != nil {
		return domain.TOTP{}, err
	}
	totp, err := domain.ParseTOTP(secret.Reveal())
	if err != nil {
		return totp, fmt.Errorf("--totp-file: %w", err)
	}
	return totp, nil
}

// readSecret reads the first line of a file. Editors and echo end it with a line break, which is not part of the secret.
func readSecret(flag, file string) (domain.Secret, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return domain.Secret{}, fmt.Errorf("%s: %w", flag, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return domain.NewSecret(strings.TrimSuffix(line, "\r")), nil
}
