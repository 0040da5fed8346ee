package boot

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/userfarm/userfarm/adapters/postgres"
)

type storeKind int

const (
	inMemory storeKind = iota
	inSQLite
	inPostgres
)

// storeURL is the parsed setting --store.
type storeURL struct {
	kind storeKind
	url  string // of PostgreSQL, with its password
	file string // of SQLite
}

func parseStoreURL(text string) (storeURL, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch scheme {
	case "memory":
		if rest == "" {
			return storeURL{kind: inMemory}, nil
		}
	case "sqlite":
		if file := strings.TrimPrefix(rest, "//"); file != "" && file != ":memory:" {
			return storeURL{kind: inSQLite, file: file}, checkFileName(file)
		}
	case "postgres", "postgresql":
		if strings.HasPrefix(rest, "//") {
			if err := postgres.CheckURL(text); err != nil {
				return storeURL{}, fmt.Errorf("--store: %w", err)
			}
			return storeURL{kind: inPostgres, url: text}, nil
		}
	}
	return storeURL{}, errors.New("--store must be memory:, sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
}

// checkFileName returns an error for what would otherwise be an empty farm in a file with a strange name.
func checkFileName(file string) error {
	switch {
	case strings.ContainsAny(file, "?#"):
		return errors.New("--store: the file of sqlite:FILE has no settings, so its name has no ? and no #")
	case strings.HasPrefix(file, "file:"):
		return errors.New("--store: a file: URL is not supported, write sqlite:FILE")
	case strings.TrimSpace(file) != file || strings.ContainsFunc(file, unicode.IsControl):
		return errors.New("--store: the name of the file of sqlite:FILE has blanks at an end, or control characters")
	default:
		return nil
	}
}

// String names the store without the secrets that its URL may contain.
func (s storeURL) String() string {
	switch s.kind {
	case inSQLite:
		return "sqlite:" + s.file
	case inPostgres:
		// Without the user and the query, because either may contain a password.
		address, _, _ := strings.Cut(s.url, "?")
		_, address, _ = strings.Cut(address, "://")
		return "postgres://" + address[strings.LastIndex(address, "@")+1:]
	default:
		return "memory:"
	}
}
