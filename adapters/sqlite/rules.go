package sqlite

import (
	"strings"

	"github.com/userfarm/userfarm/adapters/bunstore"
	"github.com/userfarm/userfarm/domain"
)

// The domain's rules in SQL; see [bunstore.Rules].
const (
	free        = "u.free_at <= ?"
	notFree     = "u.free_at > ?"
	neverFree   = "u.free_at = 9223372036854775807"
	held        = "u.lock_acquired_at IS NOT NULL AND (u.lock_expires_at IS NULL OR u.lock_expires_at > ?)"
	expired     = "u.lock_expires_at <= ?"
	expires     = "u.lock_expires_at > ?" // and has not yet
	quarantined = "(u.quarantined_at IS NOT NULL OR u.lock_quarantines AND u.lock_expires_at <= ?)"
	keyActive   = "k.revoked_at = 0 AND (k.expires_at = 0 OR k.expires_at > ?)"
)

var rules = bunstore.Rules{
	Free: free, NotFree: notFree, NeverFree: neverFree, Held: held, Leased: expires, Expired: expired, Quarantined: quarantined, KeyActive: keyActive,
	Matches: matches, InScope: inScope,
}

func matches(want domain.Selector, pool, labels string) []bunstore.Condition {
	var conditions []bunstore.Condition
	if !want.ProjectID.IsZero() {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".project_id = ?", Args: []any{want.ProjectID.String()}})
	}
	if want.Env != "" {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".env = ?", Args: []any{want.Env}})
	}
	if want.Domain != "" {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".domain = ?", Args: []any{want.Domain}})
	}
	conditions = append(conditions, inScope(want.Scope(), pool+".project_id")...)
	for key, value := range want.Labels {
		conditions = append(conditions, bunstore.Condition{
			SQL:  "EXISTS (SELECT 1 FROM json_each(" + labels + ".labels) AS label WHERE label.key = ? AND label.value = ?)",
			Args: []any{key, value},
		})
	}
	return conditions
}

func inScope(scope domain.Scope, column string) []bunstore.Condition {
	switch {
	case !scope.Limited:
		return nil
	case len(scope.Projects) == 0:
		return []bunstore.Condition{{SQL: "1 = 0"}}
	}
	projects := scope.Names()
	args := make([]any, len(projects))
	for i, project := range projects {
		args[i] = project
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(projects)), ", ")
	return []bunstore.Condition{{SQL: column + " IN (" + marks + ")", Args: args}}
}
