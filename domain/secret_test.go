package domain_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userfarm/userfarm/domain"
)

func TestSecretsRedactThemselves(t *testing.T) {
	const password = "correct horse"
	id := domain.NewLeaseID()
	user := newUser("ann", nil)
	lease := domain.Lease{ID: id, Users: []domain.LeasedUser{{Password: domain.NewSecret(password)}}}
	for _, text := range []string{"", password} {
		if s := domain.NewSecret(text); s.Reveal() != text || s != domain.NewSecret(text) {
			t.Errorf("a secret of %d bytes is not what was hidden in it", len(text))
		}
	}
	hidden := []string{password, hex.EncodeToString([]byte(password)), id.Reveal(), hex.EncodeToString(id[:]), fmt.Sprint([16]byte(id)), id.Reveal()[:8]}

	for name, value := range map[string]any{
		"a secret":              domain.NewSecret(password),
		"a pointer to a secret": new(domain.NewSecret(password)),
		"a lease id":            id,
		"a lease":               lease,
		"a pointer to a lease":  &lease,
		"an account":            user.Account(noon),
		"a snapshot":            user.Snapshot(),
		"a user":                user,
		"an unexported field":   struct{ hidden domain.Secret }{domain.NewSecret(password)},
		"a spec":                domain.Spec{Password: domain.NewSecret(password)},
	} {
		var printed bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		must(t, json.NewEncoder(&printed).Encode(value))
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("logged", "value", value)
		}
		for _, h := range hidden {
			if strings.Contains(strings.ToLower(printed.String()), h) {
				t.Errorf("%s shows what it hides, as %q:\n%s", name, h, printed.String())
			}
		}
	}
}

func TestSecretsRedactThemselvesWithoutFmt(t *testing.T) {
	type printer interface {
		fmt.Stringer
		fmt.GoStringer
	}
	for _, secret := range []printer{domain.NewSecret("correct horse"), domain.NewLeaseID()} {
		if s, gs := secret.String(), secret.GoString(); s != "[redacted]" || gs != s {
			t.Errorf("%T prints as %q and %q", secret, s, gs)
		}
	}
}
