package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/userfarm/userfarm/app/boot"
	"github.com/userfarm/userfarm/cmd/userfarm/memory"
)

type cli struct {
	Serve serve      `cmd:"" help:"Run the farm."`
	Run   runCommand `cmd:"" help:"Run a command with users that no other test has until it ends."`

	Acquire  acquireCommand `cmd:"" help:"Acquire users, and leave it to the caller to release them."`
	Renew    renewCommand   `cmd:"" help:"Renew a lease."`
	Release  releaseCommand `cmd:"" help:"Release a lease."`
	Who      whoCommand     `cmd:"" help:"Show who holds which users, since when and until when."`
	Users    users          `cmd:"" help:"List, add, change and remove users, and take them out of circulation."`
	Import   importCommand  `cmd:"" help:"Add and change many users, from a CSV, JSON lines or YAML file."`
	Export   exportCommand  `cmd:"" help:"Write users to a file that import reads."`
	Profiles profiles       `cmd:"" help:"Keep the addresses and API keys of farms under names."`
	Projects projects       `cmd:"" help:"List the projects, and give them names."`
	Pools    poolsCommand   `cmd:"" help:"Count the users of each pool: free, locked and in quarantine."`
	Advise   adviseCommand  `cmd:"" help:"Tell how many users would have been enough for the tests."`
	Line     lineCommand    `cmd:"" help:"Show who waits in line for which users."`
	Events   eventsCommand  `cmd:"" help:"Show what happened, or follow it."`

	Migrate     migrate           `cmd:"" help:"Bring the schema of the store up to date."`
	Keys        keys              `cmd:"" help:"Create, list and revoke API keys."`
	Keyring     keyring           `cmd:"" help:"Change the keys that encrypt passwords, also while farms serve."`
	Healthcheck healthcheck       `cmd:"" help:"Check whether the farm on this machine is ready."`
	Completion  completionCommand `cmd:"" help:"Write a script that completes command lines in bash, zsh or fish."`
	Version     version           `cmd:"" help:"Write from which source the program was built."`
	Bench       measurement       `cmd:"" help:"Measure a running farm: how many users per second it hands out, and how fast. For a farm that needs an API key, set USERFARM_API_KEY to an admin's key."`
}

// command is a subcommand.
type command interface {
	Run(ctx context.Context) error
}

// parse returns the subcommand that args name, with its settings from args, the environment and the defaults.
func parse(args []string) (command, error) {
	switch {
	case len(args) == 0:
		return &welcome{}, nil
	case args[0] == completeWord:
		return &complete{words: args[1:]}, nil
	}
	parser, err := newParser()
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(args)
	if bad, ok := errors.AsType[*profileError](err); ok {
		return nil, badUsage(args, bad)
	}
	if err != nil && args[0] == "run" && !slices.Contains(args, "--") && strings.HasPrefix(err.Error(), "unknown flag ") {
		return nil, badUsage(args, fmt.Errorf("%w (put -- before the command and its flags, or try --help)", err))
	}
	if err != nil {
		return nil, badUsage(args, fmt.Errorf("%w (try --help)", err))
	}
	return parsed.Selected().Target.Addr().Interface().(command), nil
}

func newParser() (*kong.Kong, error) {
	settings := newProfileSettings()
	return kong.New(&cli{}, append(exactText(), kong.Name("userfarm"),
		kong.Description("Stores test users and hands each one to one test at a time."),
		kong.Resolvers(settings), kong.Bind(settings),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))...)
}

type serve struct {
	boot.Config `embed:""`
}

// Help describes what is set by no flag.
func (*serve) Help() string {
	return `If OTEL_EXPORTER_OTLP_ENDPOINT is set, for example to http://collector:4318, the farm sends traces there. The other variables of
OpenTelemetry, such as OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_TRACES_SAMPLER, hold, too.`
}

// Run runs the farm.
func (s *serve) Run(ctx context.Context) error {
	memory.Settle()
	s.Revision = revision
	return boot.Run(ctx, s.Config)
}

type migrate struct {
	boot.StoreConfig `embed:""`
}

func (m *migrate) Run(ctx context.Context) error { return boot.Migrate(ctx, m.StoreConfig) }
