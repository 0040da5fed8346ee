package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/userfarm/userfarm/app/boot"
)

type cli struct {
	Serve       serve       `cmd:"" help:"Run the farm."`
	Migrate     migrate     `cmd:"" help:"Bring the schema of the store up to date, and end."`
	Keys        keys        `cmd:"" help:"Make, list and revoke API keys."`
	Keyring     keyring     `cmd:"" help:"Change the keys that encrypt passwords, while farms serve."`
	Healthcheck healthcheck `cmd:"" help:"Ask the farm on this machine whether it is ready, and end."`
	Bench       measurement `cmd:"" help:"Measure a running farm: how many users a second it hands out, and how fast. If it needs an API key, give an admin's in USERFARM_API_KEY."`
}

// command is what every subcommand is.
type command interface {
	Run(ctx context.Context) error
}

// parse returns the subcommand that args ask for, with its settings from args, environment and defaults.
func parse(args []string) (command, error) {
	var c cli
	parser, err := kong.New(&c, kong.Name("userfarm"),
		kong.Description("Stores test users and hands each one to one test at a time."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return nil, fmt.Errorf("%w (try --help)", err)
	}
	return parsed.Selected().Target.Addr().Interface().(command), nil
}

type serve struct {
	boot.Config `embed:""`
}

func (s *serve) Run(ctx context.Context) error { return boot.Run(ctx, s.Config) }

type migrate struct {
	boot.StoreConfig `embed:""`
}

func (m *migrate) Run(ctx context.Context) error { return boot.Migrate(ctx, m.StoreConfig) }
