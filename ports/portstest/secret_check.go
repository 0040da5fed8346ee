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

// secretCheck is a store under test. It fails the test if an error or an event of the store contains a secret, and notes that events
// may be forgotten.
type secretCheck struct {
	ports.Store
	t        testing.TB
	observed *Observed
}

// checked returns err.
func (c secretCheck) checked(err error) error {
	c.t.Helper()
	if err != nil {
		c.check("an error", err.Error())
	}
	return err
}

func (c secretCheck) check(what, text string) {
	c.t.Helper()
	for _, secret := range []string{passwordOf, domain.TokenPrefix, "otpauth:"} {
		if strings.Contains(text, secret) {
			c.t.Errorf("%s of the store contains a secret that begins with %q", what, secret)
		}
	}
}

// Add implements [ports.Users].
func (c secretCheck) Add(ctx context.Context, once domain.Once, users ...*domain.User) error {
	return c.checked(c.Store.Add(ctx, once, users...))
}

// Find implements [ports.Users].
func (c secretCheck) Find(ctx context.Context, target ports.Target) ([]*domain.User, time.Time, error) {
	users, now, err := c.Store.Find(ctx, target)
	return users, now, c.checked(err)
}

// List implements [ports.Users].
func (c secretCheck) List(ctx context.Context, q ports.Query) (ports.Page, error) {
	page, err := c.Store.List(ctx, q)
	return page, c.checked(err)
}

// Claim implements [ports.Users].
func (c secretCheck) Claim(ctx context.Context, claim ports.Claim) ([]*domain.User, error) {
	users, err := c.Store.Claim(ctx, claim)
	return users, c.checked(err)
}

// Update implements [ports.Users].
func (c secretCheck) Update(ctx context.Context, target ports.Target, decide ports.Decide) ([]*domain.User, error) {
	users, err := c.Store.Update(ctx, target, decide)
	return users, c.checked(err)
}

// Remove implements [ports.Users].
func (c secretCheck) Remove(ctx context.Context, id domain.UserID, decide ports.Decide) error {
	return c.checked(c.Store.Remove(ctx, id, decide))
}

// Events implements [ports.History].
func (c secretCheck) Events(ctx context.Context, q ports.EventQuery) (ports.EventPage, error) {
	page, err := c.Store.Events(ctx, q)
	for _, e := range page.Events {
		c.check("an event", fmt.Sprintf("%+v", e))
	}
	return page, c.checked(err)
}

// AddKey implements [ports.KeyStore].
func (c secretCheck) AddKey(ctx context.Context, build ports.BuildKey) (domain.APIKey, error) {
	key, err := c.Store.AddKey(ctx, build)
	return key, c.checked(err)
}

// ChangeKey implements [ports.KeyStore].
func (c secretCheck) ChangeKey(
	ctx context.Context, id domain.APIKeyID, decide ports.DecideKey,
) (domain.APIKey, time.Time, error) {
	key, now, err := c.Store.ChangeKey(ctx, id, decide)
	return key, now, c.checked(err)
}

// Forget implements [ports.Housekeeping].
func (c secretCheck) Forget(ctx context.Context, ages ports.Ages) error {
	c.observed.noteForgetting()
	return c.checked(c.Store.Forget(ctx, ages))
}
