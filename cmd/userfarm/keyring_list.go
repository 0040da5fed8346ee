package main

import (
	"context"
	"os"
	"strconv"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/app/boot"
)

type listSealingKeys struct {
	boot.StoreConfig `embed:""`
}

// Run writes a table of the keys in the order of the file.
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

// useOf says what the key at an index of the file is for.
func useOf(index int) string {
	if index == 0 {
		return "seals"
	}
	return "opens"
}
