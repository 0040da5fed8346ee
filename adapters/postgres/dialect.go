package postgres

import (
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// clock is the time of the store's clock. Not now(), which is when the transaction began: a user that was released since
// would look held. Unqualified, so that a test can put a clock of its own in front of PostgreSQL's.
const clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// dialect is that of PostgreSQL 13 and later.
var dialect = bunstore.Dialect{
	Name:       "postgres",
	System:     "postgresql",
	Clock:      func() bun.Safe { return clock },
	Rules:      rules,
	SkipLocked: "UPDATE SKIP LOCKED",
	Lock:       "UPDATE",
	Settled:    settled,
	HoldOffAdds: []string{
		"SET LOCAL lock_timeout = '100ms'", // how long it holds up adds, beside the time that it takes itself
		fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", addsLock),
	},
	DeadReplicas: []bunstore.Aging{{Table: "replicas", Key: "replica_id", At: "seen_at"}},
	AddEvents:    addEventsIn,
	Cause:        causeOf,
}

// causeOf reads the SQLSTATE (PostgreSQL documentation, appendix A). An error without one is not the server's answer but that
// of a connection on the way to it.
func causeOf(err error) bunstore.Cause {
	var answer interface{ SQLState() string }
	if !errors.As(err, &answer) {
		return bunstore.Disconnected
	}
	switch state := answer.SQLState(); state {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return bunstore.Conflict
	case "23503": // foreign_key_violation: of all rows that others refer to, only keys are ever removed
		return bunstore.UnknownKey
	case "23505": // unique_violation
		return bunstore.Taken
	case "57P01", "57P02", "25006": // admin_shutdown, crash_shutdown, read_only_sql_transaction: after a failover
		return bunstore.Disconnected
	case "53100": // disk_full
		return bunstore.Full
	default:
		switch state[:min(2, len(state))] {
		case "08": // connection exception: a pooler lost the server
			return bunstore.Disconnected
		case "22", "23", "42": // data exception, integrity constraint violation, syntax error or access rule violation
			return bunstore.Bug
		default:
			return bunstore.Away
		}
	}
}
