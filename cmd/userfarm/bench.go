package main

import (
	"context"
	"os"

	"github.com/userfarm/userfarm/cmd/userfarm/bench"
)

// measurement writes its result to standard output and everything else to standard error.
type measurement struct {
	bench.Config `embed:""`

	JSON bool `help:"Write the result as one JSON object."`
}

func (m *measurement) Run(ctx context.Context) error {
	return bench.Run(ctx, m.Config, os.Stderr, func(result bench.Result) error {
		if m.JSON {
			return result.WriteJSON(os.Stdout)
		}
		return result.WriteText(os.Stdout)
	})
}
