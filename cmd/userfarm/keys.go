package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/domain"
	"github.com/userfarm/userfarm/ports"
)

// keys manages API keys directly in the store, so that the first one can be created. Farms may serve at the same time.
type keys struct {
	Create   createKey   `cmd:"" help:"Create an API key, and write its token to standard output: export USERFARM_API_KEY=$(userfarm keys create …)."`
	List     listKeys    `cmd:"" help:"List the API keys, the newest last."`
	Revoke   revokeKey   `cmd:"" help:"Revoke an API key for good: within two seconds every farm rejects it."`
	Generate generateKey `cmd:"" help:"Write a new token to standard output without storing it, for serve --admin-key-file: (umask 077; userfarm keys generate > admin.key)."`
}

type createKey struct {
	boot.StoreConfig `embed:""`

	Name    string      `help:"What the key is for, in words for people." required:"" placeholder:"NAME"`
	Role    string      `help:"What its holder may do: ${enum}." required:"" enum:"viewer,tester,admin" placeholder:"ROLE"`
	Project []projectID `help:"Id of a project that the key is limited to; may be repeated. Without it, the key is for all projects. A name is not enough, because this command asks no farm." placeholder:"UUID" sep:"none"`
	Expires lifetime    `help:"How long the key may be used, like 90d or 12h. Without it, the key never expires." placeholder:"TIME"`
	Reason  string      `help:"What you create the key for, for the history." placeholder:"REASON"`
}

// Validate returns an error if no key can be created from the flags. The command line calls it.
func (c *createKey) Validate() error {
	return errors.Join(nameFlags(domain.CheckKeySpec(c.spec())), c.StoreConfig.Validate())
}

func (c *createKey) spec() domain.KeySpec {
	spec := domain.KeySpec{Name: c.Name, Role: domain.Role(c.Role), TTL: c.Expires.duration, Reason: c.Reason}
	if len(c.Project) > 0 {
		projects := make([]domain.ProjectID, len(c.Project))
		for i, project := range c.Project {
			projects[i] = domain.ProjectID(project)
		}
		spec.Scope = domain.Only(projects...)
	}
	return spec
}

// Run revokes the key if its token could not be written. It ignores SIGPIPE, because a closed pipe must not end the process before
// that.
func (c *createKey) Run(ctx context.Context) error {
	signal.Ignore(syscall.SIGPIPE)
	return withAPIKeys(ctx, c.StoreConfig, true, func(keys ports.Keys) error {
		key, token, err := keys.CreateKey(ctx, c.spec())
		if err != nil {
			return err
		}
		if err := writeToken(token); err != nil {
			return errors.Join(fmt.Errorf("the token of API key %s is lost: %w", key.ID, err), revoke(ctx, keys, key.ID, "its token could not be written"))
		}
		fmt.Fprintf(os.Stderr, "API key %s: its token is shown only this once, and is not stored\n", key.ID)
		return nil
	})
}

type revokeKey struct {
	boot.StoreConfig `embed:""`

	ID     apiKeyID `arg:"" help:"Id of the key, as in userfarm keys list."`
	Reason string   `help:"Why, for people." placeholder:"REASON"`
}

func (r *revokeKey) Run(ctx context.Context) error {
	return withAPIKeys(ctx, r.StoreConfig, false, func(keys ports.Keys) error {
		return nameFlags(revoke(ctx, keys, domain.APIKeyID(r.ID), r.Reason))
	})
}

func revoke(ctx context.Context, keys ports.Keys, id domain.APIKeyID, reason string) error {
	key, err := keys.RevokeKey(ctx, id, reason)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "API key %s (%s) is revoked\n", key.ID, key.Name)
	return nil
}

type generateKey struct{}

func (*generateKey) Run(context.Context) error {
	return writeToken(domain.NewToken())
}

// writeToken writes a token to standard output, and says so if that is a file that every account on this machine can read.
func writeToken(token domain.Token) error {
	const others = 0o007
	if info, err := os.Stdout.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&others != 0 {
		fmt.Fprintln(os.Stderr, "every account on this machine can read the file that this token is written to: "+
			"don't use the token, remove the file, and begin again with umask 077")
	}
	_, err := fmt.Println(token.Reveal())
	return err
}

// withAPIKeys opens the store, calls use with its API keys, and closes it.
func withAPIKeys(ctx context.Context, cfg boot.StoreConfig, mayBeNew bool, use func(ports.Keys) error) error {
	store, err := boot.Administer(ctx, cfg, mayBeNew)
	if err != nil {
		return err
	}
	keys, err := boot.APIKeys(store)
	if err == nil {
		err = use(keys)
	}
	return errors.Join(err, store.Close())
}

// keyFlags maps the names of the API, which the domain uses in its errors, to flags.
var keyFlags = map[string]string{
	"/name": "--name", "/role": "--role", "/projects": "--project", "/expires_in_seconds": "--expires", "/reason": "--reason",
}

// nameFlags returns err with the names of the flags in place of those of the API.
func nameFlags(err error) error {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return err
	}
	errs := make([]error, len(invalid.Fields))
	for i, field := range invalid.Fields {
		errs[i] = fmt.Errorf("%s %s", keyFlags[field.Pointer], field.Detail)
	}
	return errors.Join(errs...)
}
