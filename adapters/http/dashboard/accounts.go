package dashboard

import (
	"context"
	"strings"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// poolOf returns the projects that a new user may belong to, and the pool that the form begins with.
func poolOf(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	names, err := projectsOf(ctx, farm)
	return names, map[string]string{"project": in("project"), "env": in("env"), "domain": in("domain")}, err
}

// addUser adds the user of a form.
func addUser(ctx context.Context, farm ports.Farm, in input) (string, error) {
	names, err := projectsOf(ctx, farm)
	if err != nil {
		return "", err
	}
	spec := domain.Spec{
		Login: in("login"), Password: domain.NewSecret(in("password")),
		Pool: domain.Pool{Env: strings.TrimSpace(in("env")), Domain: strings.TrimSpace(in("domain"))}, Reason: in("reason"),
	}
	var errProject error
	if spec.Pool.ProjectID, errProject = names.find(strings.TrimSpace(in("project"))); errProject != nil {
		errProject = domain.Invalid("/project_id", "must be the name of a project, or a UUID; a new UUID makes a new project")
	}
	var errLabels, errTOTP error
	spec.Labels, errLabels = parseLabels(in("labels"))
	if text := strings.TrimSpace(in("totp")); text != "" {
		spec.TOTP, errTOTP = domain.ParseTOTP(text)
	}
	checked := domain.CheckSpec(withProject(spec))
	if err := domain.JoinInvalid(checked, errProject, errLabels, errTOTP); err != nil {
		return "", err
	}
	user, err := farm.CreateUser(ctx, spec, domain.IdempotencyKey{})
	if err != nil {
		return "", err
	}
	return link("user", "id", user.ID.String(), "done", "add-user"), nil
}

// withProject returns spec with a project, so that its check tells only the other fields.
func withProject(spec domain.Spec) domain.Spec {
	if spec.Pool.ProjectID.IsZero() {
		spec.Pool.ProjectID = domain.ProjectID{1}
	}
	return spec
}

// accountOf returns the user that a form changes, and its labels.
func accountOf(ctx context.Context, farm ports.Farm, in input) (any, map[string]string, error) {
	about, first, err := userOf(ctx, farm, in)
	if err == nil {
		row := about.(userRow) //nolint:forcetypeassert // of userOf
		first["labels"] = strings.Join(row.Labels, "\n")
	}
	return about, first, err
}

// changeUser changes the user of a form. Secrets that are left empty stay as they are.
func changeUser(ctx context.Context, farm ports.Farm, in input) (string, error) {
	labels, err := parseLabels(in("labels"))
	if err != nil {
		return "", err
	}
	change := domain.Change{Labels: &labels, Reason: in("reason")}
	if password := in("password"); password != "" {
		change.Password = new(domain.NewSecret(password))
	}
	if text := strings.TrimSpace(in("totp")); text != "" {
		totp, err := domain.ParseTOTP(text)
		if err != nil {
			return "", err
		}
		change.TOTP = &totp
	}
	if in("no-totp") != "" {
		change.TOTP = &domain.TOTP{}
	}
	return onUser(in, "change-user", func(id domain.UserID) (domain.View, error) { return farm.ChangeUser(ctx, id, change) })
}

// removeUser removes the user of a form.
func removeUser(ctx context.Context, farm ports.Farm, in input) (string, error) {
	id, err := userID(in)
	if err != nil {
		return "", err
	}
	if err := farm.RemoveUser(ctx, id, in("reason")); err != nil {
		return "", err
	}
	return link("users", "done", "remove-user"), nil
}

// parseLabels parses lines such as role=admin.
func parseLabels(text string) (domain.Labels, error) {
	labels := domain.Labels{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if _, again := labels[key]; again || !found {
			return nil, domain.Invalid("/labels", "must have one label on each line, such as role=admin, and no key twice")
		}
		labels[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return labels, nil
}
