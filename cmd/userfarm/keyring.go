package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/adapters/sealing"
	"github.com/userfarm/userfarm/app/boot"
)

// keyring changes the file with the encryption keys. Farms that use the file read it again without a restart. The first key seals
// (encrypts); every key opens (decrypts) what it sealed.
type keyring struct {
	Add     addSealingKey     `cmd:"" help:"Add a new key, which seals from now on."`
	List    listSealingKeys   `cmd:"" help:"List the keys: which one seals, and what is sealed with each."`
	Promote promoteSealingKey `cmd:"" help:"Make a key of the file the one that seals from now on."`
	Reseal  reseal            `cmd:"" help:"Reseal all users with the key that seals now."`
	Remove  removeSealingKey  `cmd:"" help:"Remove a key that nothing is sealed with."`
}

type addSealingKey struct {
	boot.StoreConfig `embed:""`

	Standby bool `help:"Only open with the key until it is promoted: for replicas that have copies of the file."`
}

// Run writes the id of the key to standard output, and what to do next to standard error.
func (a *addSealingKey) Run(context.Context) error {
	file, err := a.KeyFile()
	if err != nil {
		return err
	}
	id, err := sealing.AddKey(file, a.Standby)
	if err != nil {
		return err
	}
	fmt.Println(id)
	if a.Standby {
		fmt.Fprintf(os.Stderr, "Back up %s and copy it to every replica. Then run userfarm keyring promote %s, and copy it again.\n",
			file, id)
		return nil
	}
	fmt.Fprintf(os.Stderr, "Back up %s. Farms that use this file seal with the new key from now on; the other keys only open\n"+
		"what they sealed. To reseal that with the new key, run userfarm keyring reseal.\n"+
		"Replicas with copies of the file can't open what the new key seals until they get the new file: for them, use --standby.\n",
		file)
	return nil
}

type promoteSealingKey struct {
	boot.StoreConfig `embed:""`

	ID string `arg:"" help:"Id of the key, as in userfarm keyring list."`
}

func (p *promoteSealingKey) Run(context.Context) error {
	file, err := p.KeyFile()
	if err != nil {
		return err
	}
	err = sealing.Promote(file, p.ID)
	if errors.Is(err, sealing.ErrKeyNotInFile) {
		return fmt.Errorf("key %s can't be promoted: %w", p.ID, sealing.ErrKeyNotInFile)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Key %s seals from now on. Copy %s to every replica that has a copy. Then run userfarm keyring reseal.\n",
		p.ID, file)
	return nil
}

type removeSealingKey struct {
	boot.StoreConfig `embed:""`

	ID string `arg:"" help:"Id of the key, as in userfarm keyring list."`
}

// Run removes the key from the store first: the store knows whether the key is still needed, and a farm that starts must not look for
// a key that the file no longer has.
func (r *removeSealingKey) Run(ctx context.Context) error {
	return withStore(ctx, r.StoreConfig, func(store *bunstore.Store, file string) error {
		if err := r.check(file); err != nil {
			return err
		}
		err := store.RemoveSealingKey(ctx, r.ID)
		if errors.Is(err, bunstore.ErrKeyInUse) {
			return r.refusal(ctx, store)
		}
		if err != nil {
			return err
		}
		if err := sealing.RemoveKey(file, r.ID); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "Key %s is removed. Copy %s to every replica that has a copy.\n", r.ID, file)
		return nil
	})
}

// check returns why the key can't be removed from the file.
func (r *removeSealingKey) check(file string) error {
	ids, err := sealing.KeyIDs(file)
	if err != nil {
		return err
	}
	switch slices.Index(ids, r.ID) {
	case -1:
		err = sealing.ErrKeyNotInFile
	case 0:
		err = sealing.ErrSealingKey
	default:
		return nil
	}
	return fmt.Errorf("key %s can't be removed: %w", r.ID, err)
}

// refusal says what keeps the key from being removed.
func (r *removeSealingKey) refusal(ctx context.Context, store *bunstore.Store) error {
	keys, err := store.SealingKeys(ctx)
	if err != nil {
		return err
	}
	key := keyOf(keys, r.ID)
	return fmt.Errorf("%s, %s and %s of imports are sealed with key %s: run userfarm keyring reseal first",
		counted(key.Users, "user"), counted(key.Sessions, "session"), counted(key.ImportParts, "part"), r.ID)
}

// keyOf returns the key with an id. One that never sealed is none of keys.
func keyOf(keys []bunstore.SealingKey, id string) bunstore.SealingKey {
	for _, key := range keys {
		if key.ID == id {
			return key
		}
	}
	return bunstore.SealingKey{ID: id}
}

// withStore opens the store, calls use with it and the path of its key file, and closes it.
func withStore(ctx context.Context, cfg boot.StoreConfig, use func(store *bunstore.Store, file string) error) error {
	store, err := boot.Administer(ctx, cfg, false)
	if err != nil {
		return err
	}
	file, err := cfg.KeyFile()
	if err == nil {
		err = use(store, file)
	}
	return errors.Join(err, store.Close())
}
