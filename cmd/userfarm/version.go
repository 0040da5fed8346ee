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

type version struct {
	JSON bool `help:"Write JSON."`
}

// shownVersion is a version in JSON.
type shownVersion struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Changed  bool   `json:"changed"` // the source was not that of the revision
	Go       string `json:"go"`
	System   string `json:"system"`
}

// Run writes from which source, and with which version of Go, the program was built.
func (v *version) Run(context.Context) error {
	release, source, changed := "", revision, false
	if build, ok := debug.ReadBuildInfo(); ok {
		release = build.Main.Version
		for _, setting := range build.Settings {
			switch {
			case setting.Key == "vcs.revision":
				source = cmp.Or(source, setting.Value)
			case setting.Key == "vcs.modified" && setting.Value == "true":
				changed = true
			}
		}
	}
	shown := shownVersion{
		Version: cmp.Or(release, "unknown"), Revision: cmp.Or(source, "unknown"), Changed: changed,
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if v.JSON {
		return writeJSON(shown)
	}
	with := ""
	if changed {
		with = " with changes"
	}
	_, err := fmt.Printf("userfarm %s\nrevision %s%s\nbuilt with %s for %s\n", shown.Version, shown.Revision, with, shown.Go, shown.System)
	return err
}
