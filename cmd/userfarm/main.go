// Command userfarm runs and manages a farm of test users.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops the farm in order. After it, a second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:]))
}

// run returns the exit code: 0 done, 1 failed, 2 bad usage. The command run has its own.
func run(ctx context.Context, args []string) int {
	command, err := parse(args)
	if err == nil {
		err = command.Run(ctx)
	}
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(os.Stderr, "userfarm: %s\n", text)
	}
	return codeOf(err)
}
