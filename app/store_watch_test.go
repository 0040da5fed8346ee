package app_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userfarm/userfarm/adapters/memory"
	"github.com/userfarm/userfarm/app"
)

func TestTheLogSaysAtOnceThatTheStoreIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: memory.New()}
		var logged bytes.Buffer
		go mustNew(store, app.Settings{}).WatchStore(t.Context(), slog.New(slog.NewTextHandler(&logged, nil)))
		for _, reason := range []error{nil, errors.New("the disk is full"), nil, errors.New("the file was removed")} {
			store.fail(reason)
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		want := []string{"level=WARN", "level=INFO", "level=WARN"}
		reasons := []string{"the disk is full", "available again", "the file was removed"}
		lines := slices.Collect(strings.Lines(logged.String()))
		if len(lines) != len(want) {
			t.Fatalf("want %d lines, got:\n%s", len(want), &logged)
		}
		for i, line := range lines {
			if !strings.Contains(line, want[i]) || !strings.Contains(line, reasons[i]) {
				t.Errorf("line %d is %s, want %s %s", i, line, want[i], reasons[i])
			}
		}
	})
}
