package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sentAtStart are the settings that a session gets as it connects. PgBouncer refuses others at that time, and options can't be set
// later.
var sentAtStart = []string{"application_name", "options"}

// pinSettings sets what the farm depends on and a database or a role may set otherwise (ALTER DATABASE, ALTER ROLE). It changes only
// what differs: some settings are for superusers alone, and later versions have settings that earlier ones lack.
//
// Statements need texts and plans as they are by default, users that are found need foreign keys and whole answers of indexes, and
// what was answered must be on disk. A database or a role may be read-only by default, but not a server: that is how administrators
// take a server out of service.
const pinSettings = `SET statement_timeout = 0; SET jit = off;
	SELECT pg_catalog.set_config(s.name, coalesce(pin.value, s.boot_val), false)
	FROM pg_catalog.pg_settings s LEFT JOIN (VALUES
		('default_transaction_isolation', 'read committed'), ('default_transaction_deferrable', 'off'),
		('default_transaction_read_only', 'off'), ('synchronous_commit', 'on'), ('session_replication_role', 'origin'),
		('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('exit_on_error', 'off'),
		('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'), ('TimeZone', 'UTC'), ('bytea_output', 'hex'),
		('array_nulls', 'on'), ('transform_null_equals', 'off'), ('row_security', 'on'),
		('gin_fuzzy_search_limit', '0'), ('plan_cache_mode', 'auto'),
		('from_collapse_limit', '8'), ('join_collapse_limit', '8')
	) AS pin (name, value) USING (name)
	WHERE (pin.name IS NOT NULL OR pg_catalog.starts_with(s.name, 'enable_'))
		AND s.setting <> coalesce(pin.value, s.boot_val)
		AND (s.name <> 'synchronous_commit' OR s.setting = 'off')
		AND (s.name <> 'default_transaction_read_only' OR s.source IN ('global', 'database', 'user', 'database user'))`

// settleSessions returns the configuration of sessions that get most of their settings after they have connected.
func settleSessions(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	later := config.RuntimeParams
	config.RuntimeParams = make(map[string]string)
	for _, name := range sentAtStart {
		if value, set := later[name]; set {
			config.RuntimeParams[name] = value
			delete(later, name)
		}
	}
	validate := config.ValidateConnect
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := settle(ctx, conn, later); err != nil {
			return err
		}
		if validate == nil {
			return nil
		}
		return validate(ctx, conn)
	}
	return config
}

// settle gives a session its settings.
func settle(ctx context.Context, conn *pgconn.PgConn, settings map[string]string) error {
	if _, err := conn.Exec(ctx, pinSettings).ReadAll(); err != nil {
		return fmt.Errorf("settings of the session: %w", err)
	}
	var calls []string
	var args [][]byte
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, []byte(name), []byte(settings[name]))
		calls = append(calls, fmt.Sprintf("pg_catalog.set_config($%d, $%d, false)", len(args)-1, len(args)))
	}
	result := conn.ExecParams(ctx, "SELECT "+strings.Join(calls, ", "), args, nil, nil, nil).Read()
	return result.Err
}
