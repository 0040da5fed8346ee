package main

import (
	"context"
	"fmt"
	"os"

	"github.com/userfarm/userfarm/cmd/userfarm/bench"
	"github.com/userfarm/userfarm/domain"
)

// measurement writes its result to standard output and everything else to standard error.
type measurement struct {
	bench.Config `embed:""`

	JSON bool `help:"Write the result as one JSON object."`
}

// AfterApply reads the API key from the environment. The command line calls it.
func (m *measurement) AfterApply() error {
	text := os.Getenv(keyVariable)
	if text == "" {
		return nil
	}
	key, err := domain.ParseToken(text)
	if err != nil {
		return fmt.Errorf("%s: %w", keyVariable, err)
	}
	m.APIKey = key
	return nil
}

func (m *measurement) Run(ctx context.Context) error {
	return bench.Run(ctx, m.Config, os.Stderr, func(result bench.Result) error {
		if m.JSON {
			return result.WriteJSON(os.Stdout)
		}
		return result.WriteText(os.Stdout)
	})
}
