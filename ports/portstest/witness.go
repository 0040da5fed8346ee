package portstest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// passwordOf begins the password of every user that [farm.build] makes.
const passwordOf = "password of user "

// witness is a store under test. It fails the test if an error or an event of the store contains a secret.
type witness struct {
	ports.Store
	t testing.TB
}

// checked returns err.
func (w witness) checked(err error) error {
	w.t.Helper()
	if err != nil {
		w.check("an error", err.Error())
	}
	return err
}

func (w witness) check(what, text string) {
	w.t.Helper()
	for _, secret := range []string{passwordOf, domain.TokenPrefix, "otpauth:"} {
		if strings.Contains(text, secret) {
			w.t.Errorf("%s of the store contains a secret that begins with %q", what, secret)
		}
	}
}

// Add implements [ports.Users].
func (w witness) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	return w.checked(w.Store.Add(ctx, once, users...))
}

// Find implements [ports.Users].
func (w witness) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	users, now, err := w.Store.Find(ctx, target)
	return users, now, w.checked(err)
}

// List implements [ports.Users].
func (w witness) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	page, err := w.Store.List(ctx, q)
	return page, w.checked(err)
}

// Claim implements [ports.Users].
func (w witness) Claim(ctx context.Context, claim ports.Claim) ([]*domain.User, error) {
	users, err := w.Store.Claim(ctx, claim)
	return users, w.checked(err)
}

// Update implements [ports.Users].
func (w witness) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	users, err := w.Store.Update(ctx, target, decide)
	return users, w.checked(err)
}

// Remove implements [ports.Users].
func (w witness) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	return w.checked(w.Store.Remove(ctx, id, decide))
}

// Events implements [ports.History].
func (w witness) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	page, err := w.Store.Events(ctx, q)
	for _, e := range page.Events {
		w.check("an event", fmt.Sprintf("%+v", e))
	}
	return page, w.checked(err)
}

// AddKey implements [ports.KeyStore].
func (w witness) AddKey(ctx context.Context, build func(time.Time) (domain.APIKey, error)) (domain.APIKey, error) {
	key, err := w.Store.AddKey(ctx, build)
	return key, w.checked(err)
}

// ChangeKey implements [ports.KeyStore].
func (w witness) ChangeKey(
	ctx context.Context, id domain.APIKeyID, decide func(time.Time, *domain.APIKey) error,
) (domain.APIKey, time.Time, error) {
	key, now, err := w.Store.ChangeKey(ctx, id, decide)
	return key, now, w.checked(err)
}
