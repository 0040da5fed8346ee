package bunstore

import (
	"context"
	"errors"
	"testing"

	"github.com/userfarm/userfarm/ports"
)

// Reads and small writes may succeed on a full disk, so that a store is ready again only once it has found space.
func TestAStoreWithAFullDiskIsNotReadyUntilThereIsSpace(t *testing.T) {
	full := postgresError{state: "53100", message: "no space left"}
	for _, test := range []struct {
		name  string
		found []error // by each search for space, in order
		ready []bool  // after each ping, and one more that needs no search
	}{
		{"space at once", []error{nil}, []bool{true, true}},
		{"space after some time", []error{full, full, nil}, []bool{false, false, true, true}},
		{"a database that does not allow the search", []error{full, postgresError{state: "53400"}}, []bool{false, false, true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := context.Background()
			engine, store, ids := newFakeEngine(1)
			engine.onCommit = func(Changes) error { return full }
			searches := 0
			store.checkSpace = func(context.Context) error {
				searches++
				return test.found[searches-1]
			}
			if err := store.Ping(ctx); err != nil || searches > 0 {
				t.Fatalf("ping before the disk is full = %v after %d searches, want no search", err, searches)
			}
			_, err := store.Update(ctx, ports.ByUser(ids[0]), lockOpen)
			if unavailable, ok := errors.AsType[*ports.UnavailableError](err); !ok || unavailable.Reason != errFull.Reason {
				t.Fatalf("update = %v, want %v", err, errFull)
			}
			for i, want := range test.ready {
				if err := store.Ping(ctx); (err == nil) != want {
					t.Errorf("ping %d = %v, want ready: %v", i, err, want)
				}
			}
		})
	}
}

func TestAStoreThatStartsOnAFullDiskIsNotReadyUntilThereIsSpace(t *testing.T) {
	found := []error{postgresError{state: "53100"}, nil}
	searches := 0
	engine, _, _ := newFakeEngine(0)
	store := New(Config{Dialect: testDialect(), Sealer: fakeSealer{}, Engine: engine, CheckSpace: func(context.Context) error {
		searches++
		return found[searches-1]
	}})
	for i, want := range []bool{false, true, true} {
		if err := store.Ping(t.Context()); (err == nil) != want {
			t.Errorf("ping %d = %v, want ready: %v", i, err, want)
		}
	}
	if searches != len(found) {
		t.Errorf("%d searches for space, want %d", searches, len(found))
	}
}
