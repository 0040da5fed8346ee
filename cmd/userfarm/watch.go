package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// watchEvery is how often a command that watches asks the farm.
const watchEvery = 2 * time.Second

// watchFlag makes a command show again and again what it otherwise shows once.
type watchFlag struct {
	Watch bool `help:"Show it again every two seconds, until ctrl-C."`
}

// repeat calls show once, or until ctx ends.
func (w watchFlag) repeat(ctx context.Context, show func(context.Context) error) error {
	for {
		err := show(ctx)
		if !w.Watch || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // ctrl-C is how it ends
		case <-time.After(watchEvery):
		}
	}
}

// clear empties the terminal before something is shown again. A file or a pipe gets one after the other.
func (w watchFlag) clear() {
	if w.Watch && widthOf(os.Stdout) > 0 {
		fmt.Print("\x1b[H\x1b[2J")
	}
}
