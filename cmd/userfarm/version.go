package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// revision is the revision that the linker was told: -ldflags='-X main.revision=…'. An image is built without the repository.
var revision string

type version struct{}

// Run writes from which source, and with which version of Go, the program was built.
func (*version) Run(context.Context) error {
	release, source, changed := "", revision, ""
	if build, ok := debug.ReadBuildInfo(); ok {
		release = build.Main.Version
		for _, setting := range build.Settings {
			switch {
			case setting.Key == "vcs.revision":
				source = cmp.Or(source, setting.Value)
			case setting.Key == "vcs.modified" && setting.Value == "true":
				changed = " with changes"
			}
		}
	}
	_, err := fmt.Printf("userfarm %s\nrevision %s%s\nbuilt with %s for %s/%s\n", cmp.Or(release, "unknown"),
		cmp.Or(source, "unknown"), changed, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
