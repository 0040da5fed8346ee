package bunstore

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/domain"
)

// held is the domain's rule for a lock that holds at a time, for searches that go past the index on free_at.
const held = "u.lock_acquired_at IS NOT NULL AND (u.lock_expires_at IS NULL OR u.lock_expires_at > ?)"

// quarantined is the domain's rule for a quarantine at a time.
const quarantined = "(u.quarantined_at IS NOT NULL OR u.lock_quarantines AND u.lock_expires_at <= ?)"

// matching narrows a search to the users that fit the fields and labels of a selector, free or not.
func (s *Store) matching(search *bun.SelectQuery, want domain.Selector) *bun.SelectQuery {
	if !findable(want) {
		return search.Where("1 = 0")
	}
	if !want.ProjectID.IsZero() {
		search = search.Where("u.project_id = ?", want.ProjectID.String())
	}
	search = inScope(search, "u.project_id", want.Scope())
	search = equal(search, "env", want.Env)
	search = equal(search, "domain", want.Domain)
	if len(want.Labels) == 0 {
		return search
	}
	condition, args := s.dialect.HasLabels(want.Labels)
	return search.Where(condition, args...)
}

// inScope narrows a search to rows whose column has a project of a scope.
func inScope(search *bun.SelectQuery, column bun.Ident, scope domain.Scope) *bun.SelectQuery {
	if !scope.Limited {
		return search
	}
	if len(scope.Projects) == 0 {
		return search.Where("1 = 0")
	}
	return search.Where("? IN (?)", column, bun.List(scope.Names()))
}

// equal narrows a search to a text, unless that is empty.
func equal(search *bun.SelectQuery, column bun.Ident, text string) *bun.SelectQuery {
	switch {
	case text == "":
		return search
	case !storable(text):
		return search.Where("1 = 0")
	default:
		return search.Where("? = ?", "u."+column, text)
	}
}

// storable reports whether a text can be in a database at all: PostgreSQL has no NUL in a text, and no invalid UTF-8.
// Nothing there equals one that is not.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// findable reports whether any user in the database could match the selector.
func findable(want domain.Selector) bool {
	for key, value := range want.Labels {
		if !storable(key) || !storable(value) {
			return false
		}
	}
	return storable(want.Env) && storable(want.Domain)
}

// inState narrows a search to users that are in a state at a time.
func inState(search *bun.SelectQuery, state domain.Status, at time.Time) *bun.SelectQuery {
	switch state {
	case "":
		return search
	case domain.Free:
		return search.Where("NOT "+quarantined, micros(at)).Where("NOT ("+held+")", micros(at))
	case domain.Locked:
		return search.Where("NOT "+quarantined, micros(at)).Where(held, micros(at))
	case domain.Quarantined:
		return search.Where(quarantined, micros(at))
	default:
		return search.Where("1 = 0")
	}
}
