package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/app/boot"
)

type listSealingKeys struct {
	boot.StoreConfig `embed:""`

	JSON bool `help:"Write JSON."`
}

// shownSealingKey is a key of the file in JSON.
type shownSealingKey struct {
	KeyID       string     `json:"key_id"`
	Use         string     `json:"use"`
	Users       int        `json:"users"`
	Sessions    int        `json:"sessions"`
	ImportParts int        `json:"import_parts"`
	FirstUsedAt *time.Time `json:"first_used_at"`
}

// Run writes the keys in the order of the file.
func (l *listSealingKeys) Run(ctx context.Context) error {
	return withStore(ctx, l.StoreConfig, func(store *bunstore.Store, file string) error {
		used, err := store.SealingKeys(ctx)
		if err != nil {
			return err
		}
		ids, err := sealing.KeyIDs(file)
		if err != nil {
			return err
		}
		if l.JSON {
			return writeJSON(shapeOfSealingKeys(ids, used))
		}
		rows := [][]string{{"ID", "USE", "USERS", "SESSIONS", "IMPORTS", "FIRST USED"}}
		for i, id := range ids {
			key := keyOf(used, id)
			rows = append(rows, []string{
				id, useOf(i), strconv.Itoa(key.Users), strconv.Itoa(key.Sessions), strconv.Itoa(key.ImportParts), timeOr("never", key.FirstUsedAt),
			})
		}
		return writeTable(os.Stdout, rows)
	})
}

func shapeOfSealingKeys(ids []string, used []bunstore.SealingKey) any {
	keys := make([]shownSealingKey, len(ids))
	for i, id := range ids {
		key := keyOf(used, id)
		keys[i] = shownSealingKey{
			KeyID: id, Use: useOf(i), Users: key.Users, Sessions: key.Sessions, ImportParts: key.ImportParts,
			FirstUsedAt: unlessZero(key.FirstUsedAt),
		}
	}
	return struct {
		Keys []shownSealingKey `json:"keys"`
	}{keys}
}

// useOf says what the key at an index of the file is for.
func useOf(index int) string {
	if index == 0 {
		return "seals"
	}
	return "opens"
}
