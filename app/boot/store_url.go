package boot

import (
	"errors"
	"net/url"
	"strings"
)

type storeKind int

const (
	inMemory storeKind = iota
	inSQLite
	inPostgres
)

// storeURL is the setting --store, understood.
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
		if file := strings.TrimPrefix(rest, "//"); file != "" {
			return storeURL{kind: inSQLite, file: file}, nil
		}
	case "postgres", "postgresql":
		if strings.HasPrefix(rest, "//") {
			return storeURL{kind: inPostgres, url: text}, nil
		}
	}
	return storeURL{}, errors.New("--store must be memory:, sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
}

// String names the store without its password.
func (s storeURL) String() string {
	switch s.kind {
	case inSQLite:
		return "sqlite:" + s.file
	case inPostgres:
		u, err := url.Parse(s.url)
		if err != nil { // several hosts with ports are no URL for net/url
			return "postgres"
		}
		return u.Redacted()
	default:
		return "memory:"
	}
}
