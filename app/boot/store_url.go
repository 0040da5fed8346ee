package boot

import (
	"errors"
	"strings"
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
			return storeURL{kind: inSQLite, file: file}, nil
		}
	case "postgres", "postgresql":
		if strings.HasPrefix(rest, "//") {
			return storeURL{kind: inPostgres, url: text}, nil
		}
	}
	return storeURL{}, errors.New("--store must be memory:, sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
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
