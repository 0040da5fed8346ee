package postgres

import (
	"encoding/json"
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
	conditions := inScope(want.Scope(), pool+".project_id")
	if !want.ProjectID.IsZero() {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".project_id = ?", Args: []any{want.ProjectID.String()}})
	}
	if want.Env != "" {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".env = ?", Args: []any{want.Env}})
	}
	if want.Domain != "" {
		conditions = append(conditions, bunstore.Condition{SQL: pool + ".domain = ?", Args: []any{want.Domain}})
	}
	if len(want.Labels) > 0 {
		encoded, _ := json.Marshal(want.Labels) // a map of texts always encodes
		conditions = append(conditions, bunstore.Condition{SQL: labels + ".labels @> ?::jsonb", Args: []any{string(encoded)}})
	}
	return conditions
}

func inScope(scope domain.Scope, column string) []bunstore.Condition {
	if !scope.Limited {
		return nil
	}
	return []bunstore.Condition{{SQL: column + " = ANY (?::uuid[])", Args: []any{"{" + strings.Join(scope.Names(), ",") + "}"}}}
}
