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

// run returns the exit code: 0 done, 1 failed, 2 bad usage.
func run(ctx context.Context, args []string) int {
	command, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "userfarm: %v\n", err)
		return 2
	}
	if err := command.Run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "userfarm: %v\n", err)
		return 1
	}
	return 0
}
