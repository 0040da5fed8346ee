package boot

import (
	"strings"
	"testing"
)

func TestAStoreURLNamesItsStore(t *testing.T) {
	for text, want := range map[string]storeURL{
		"memory:":                           {kind: inMemory},
		"memory":                            {kind: inMemory},
		"sqlite:userfarm.db":                {kind: inSQLite, file: "userfarm.db"},
		"sqlite:///var/lib/farm.db":         {kind: inSQLite, file: "/var/lib/farm.db"},
		"sqlite://farm.db":                  {kind: inSQLite, file: "farm.db"},
		"sqlite:my farm%20&=+.db":           {kind: inSQLite, file: "my farm%20&=+.db"},
		"postgres://u:p@db/farm":            {kind: inPostgres, url: "postgres://u:p@db/farm"},
		"postgresql://u:p@a:1,b:2/farm?x=y": {kind: inPostgres, url: "postgresql://u:p@a:1,b:2/farm?x=y"},
	} {
		if got, err := parseStoreURL(text); err != nil || got != want {
			t.Errorf("%s = %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "memory:x", "sqlite:", "sqlite::memory:", "sqlite://", "sqlite://:memory:", "sqlite:farm.db?mode=ro", "sqlite:farm.db#1", "sqlite:///farm.db?_fk=1", "sqlite:file:farm.db",
		"sqlite: farm.db", "sqlite:farm.db\n", "sqlite:farm.db ", "sqlite:a\x00.db", "memory:?x", "memory://x", "postgres:db",
		"postgres://u:pass/word@db/farm", "postgres://u:pass?word@db/farm", "postgres://u:pass#word@db/farm", "postgres://u:pass@word@db/farm",
		"postgres://u:1/2@db/farm", "mysql://db", "userfarm.db"} {
		if got, err := parseStoreURL(text); err == nil {
			t.Errorf("%q = %+v, want an error", text, got)
		}
	}
}

func TestStoreURLIsPrintedWithoutItsPassword(t *testing.T) {
	for _, text := range []string{"postgres://u:opensesame@db:5432/farm", "postgres://u:opensesame@a:1,b:2/farm", "postgres://db/farm?user=u&password=opensesame", "postgres://u@db/farm?sslpassword=opensesame", "postgres://u:opense%73ame@db/farm"} {
		where, err := parseStoreURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(where.String(), "same") {
			t.Errorf("printed as %s", where)
		}
		if !strings.Contains(where.String(), "/farm") {
			t.Errorf("printed as %s, which does not name the database", where)
		}
	}
}
