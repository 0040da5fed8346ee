package sqlite_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sqlite"
)

func TestAFarmStartsDuringAKeyCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	shared := openShared(t, path)

	farm := open(t, path, keyRing(t, 1))

	addUser(t, farm)
	if keys, err := shared.SealingKeys(context.Background()); err != nil || len(keys) != 1 || keys[0].Users != 1 {
		t.Errorf("the key command gets %+v (%v), want a key that seals one user", keys, err)
	}
}

func TestAKeyCommandRunsWhileAFarmServes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	farm := open(t, path, keyRing(t, 1))
	for range 2 {
		if err := openShared(t, path).Close(); err != nil {
			t.Fatal(err)
		}
	}
	addUser(t, farm)
}

func TestManyKeyCommandsMayOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	keys := keyRing(t, 1)
	begin := make(chan struct{})
	var opening sync.WaitGroup
	for range 6 {
		opening.Go(func() {
			<-begin
			store, err := sqlite.OpenShared(context.Background(), path, keys)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := store.SealingKeys(context.Background()); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	opening.Wait()
}

func openShared(t *testing.T, path string) *bunstore.Store {
	t.Helper()
	store, err := sqlite.OpenShared(context.Background(), path, keyRing(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
