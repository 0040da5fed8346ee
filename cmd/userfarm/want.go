package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// poolFlags choose users by what they have.
type poolFlags struct {
	Project projectName `help:"Project of the users: its name or its id." placeholder:"PROJECT"`
	Env     string      `help:"Environment of the users, such as stage."`
	Domain  string      `help:"Domain of the users."`
	Label   []label     `help:"Label of the users; may be repeated." placeholder:"KEY=VALUE" sep:"none"`
}

// selector returns what the flags say. It asks the farm which project has a name.
func (p *poolFlags) selector(ctx context.Context, farm ports.Projects) (domain.Selector, error) {
	project, err := p.Project.find(ctx, farm)
	return domain.Selector{ProjectID: project, Env: p.Env, Domain: p.Domain, Labels: labelsOf(p.Label)}, err
}

// Validate returns an error if a label is given twice: no user has two values of it. The command line calls it.
func (p *poolFlags) Validate() error { return checkLabels("--label", p.Label) }

func checkLabels(flag string, labels []label) error {
	given := make(map[string]bool)
	for _, l := range labels {
		if given[l.key] {
			return fmt.Errorf("%s: the label %s is there twice", flag, l.key)
		}
		given[l.key] = true
	}
	return nil
}

// wantFlags say which users a command acquires.
type wantFlags struct {
	poolFlags `embed:""`

	User []namedUser `help:"A user under a name, with labels of its own; may be repeated, for several users at once: --user seller=role=seller --user buyer=role=buyer,region=eu." placeholder:"NAME[=KEY=VALUE,…]" sep:"none"`
}

// Validate returns an error if two users would get the same environment variables, or a label is given twice. The command line calls it.
func (w *wantFlags) Validate() error {
	if err := w.poolFlags.Validate(); err != nil {
		return err
	}
	names := map[string]string{}
	for _, user := range w.User {
		if err := checkLabels("--user "+user.name, user.labels); err != nil {
			return err
		}
		switch other, again := names[user.prefix()]; {
		case again && other == user.name:
			return fmt.Errorf("--user: the name %s is there twice", other)
		case again:
			return fmt.Errorf("--user: %s and %s get the same environment variables", other, user.name)
		}
		names[user.prefix()] = user.name
	}
	return nil
}

// selectors returns a selector for each named user, or one if no user has a name.
func (w *wantFlags) selectors(ctx context.Context, farm ports.Projects) ([]domain.Selector, error) {
	common, err := w.selector(ctx, farm)
	if len(w.User) == 0 || err != nil {
		return []domain.Selector{common}, err
	}
	want := make([]domain.Selector, len(w.User))
	for i, user := range w.User {
		want[i] = common
		want[i].Labels = common.Labels.Clone()
		maps.Copy(want[i].Labels, labelsOf(user.labels))
	}
	return want, nil
}

// prefixes returns how the names of the environment variables of each user begin.
func (w *wantFlags) prefixes() []string {
	if len(w.User) == 0 {
		return []string{variablePrefix}
	}
	prefixes := make([]string, len(w.User))
	for i, user := range w.User {
		prefixes[i] = user.prefix()
	}
	return prefixes
}

type label struct{ key, value string }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *label) UnmarshalText(text []byte) error {
	key, value, found := strings.Cut(string(text), "=")
	if !found || key == "" {
		return errors.New("must be KEY=VALUE, such as role=admin")
	}
	l.key, l.value = key, value
	return nil
}

func labelsOf(list []label) domain.Labels {
	labels := domain.Labels{}
	for _, l := range list {
		labels[l.key] = l.value
	}
	return labels
}

// namedUser is a user that a command acquires under a name.
type namedUser struct {
	name   string
	labels []label
}

var userName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (u *namedUser) UnmarshalText(text []byte) error {
	name, labels, _ := strings.Cut(string(text), "=")
	if !userName.MatchString(name) {
		return errors.New("must begin with a name of letters, digits, '-' and '_', such as seller=role=seller")
	}
	u.name = name
	if labels == "" {
		return nil
	}
	for text := range strings.SplitSeq(labels, ",") {
		var l label
		if err := l.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("the label %q of %s %w", text, name, err)
		}
		u.labels = append(u.labels, l)
	}
	return nil
}

func (u namedUser) prefix() string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(u.name, "-", "_")) + "_"
}
