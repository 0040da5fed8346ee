package sqlite

import (
	"context"
	"errors"
	"os"
)

// neededSpace is more than most operations write.
const neededSpace = 256 << 10

// checkSpace writes a file beside the database and removes it.
func (db *database) checkSpace(context.Context) error {
	name := db.path + ".space"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, neededSpace))
	return errors.Join(err, file.Sync(), file.Close(), os.Remove(name))
}
