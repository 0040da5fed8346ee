package postgres

import (
	"context"
	"path"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/postgres/postgrestest"
)

// hostileSettings are settings of a database with which the farm can't work. Some make it wrong or not durable, others slow.
var hostileSettings = map[string]string{
	"default_transaction_isolation": "serializable", "default_transaction_read_only": "on", "default_transaction_deferrable": "on",
	"statement_timeout": "100ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
	"synchronous_commit": "off", "session_replication_role": "replica", "exit_on_error": "on",
	"standard_conforming_strings": "off", "client_encoding": "LATIN1", "DateStyle": "German", "IntervalStyle": "sql_standard",
	"TimeZone": "Asia/Kathmandu", "bytea_output": "escape", "array_nulls": "off", "transform_null_equals": "on",
	"gin_fuzzy_search_limit": "1", "row_security": "off", "extra_float_digits": "-15", "lc_messages": "C",
	"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_nestloop": "off", "enable_sort": "off", "enable_hashjoin": "off",
	"enable_material": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_custom_plan",
	"jit": "on", "jit_above_cost": "0", "from_collapse_limit": "1", "join_collapse_limit": "1",
}

// makeHostile gives a database all of the settings.
func makeHostile(t *testing.T, server *postgrestest.Access, databaseURL string) {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range hostileSettings {
		server.Exec(t, server.URL("postgres"), "ALTER DATABASE "+path.Base(config.Database)+" SET "+name+" = '"+value+"'")
	}
}

func TestSessionsHaveTheSettingsOfTheFarm(t *testing.T) {
	server := postgrestest.Shared(t)
	plain, hostile := server.NewDatabase(t), server.NewDatabase(t)
	server.Exec(t, hostile, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = 1000', current_database()); END $$")
	makeHostile(t, server, hostile)
	for name, databaseURL := range map[string]string{
		"a plain database": plain, "a hostile database": hostile, "a hostile database, and a URL": hostile + "?statement_timeout=3s",
	} {
		t.Run(name, func(t *testing.T) {
			config, err := parse(databaseURL)
			if err != nil {
				t.Fatal(err)
			}
			reads, writes := split(config)
			timeout := "5s"
			if name == "a hostile database, and a URL" {
				timeout = "3s"
			}
			for kind, test := range map[string]struct {
				session *pgx.ConnConfig
				want    map[string]string
			}{
				"reads": {reads.ConnConfig, map[string]string{
					"statement_timeout": timeout, "lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s", "enable_seqscan": "on",
				}},
				"writes": {writes.ConnConfig, map[string]string{
					"statement_timeout": timeout, "lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s",
					"enable_seqscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_generic_plan",
				}},
				"migrations": {withoutTimeouts(config.ConnConfig), map[string]string{
					"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0",
				}},
			} {
				for setting, want := range map[string]string{
					"default_transaction_isolation": "read committed", "default_transaction_read_only": "off", "idle_session_timeout": "0",
					"synchronous_commit": "on", "session_replication_role": "origin", "exit_on_error": "off",
					"standard_conforming_strings": "on", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
					"TimeZone": "UTC", "bytea_output": "hex", "array_nulls": "on", "gin_fuzzy_search_limit": "0",
					"enable_indexscan": "on", "enable_nestloop": "on", "enable_sort": "on", "plan_cache_mode": "auto", "jit": "off",
					"application_name": "userfarm",
				} {
					if _, own := test.want[setting]; !own {
						test.want[setting] = want
					}
				}
				wantSettings(t, kind, test.session, test.want)
			}
		})
	}
}

func wantSettings(t *testing.T, kind string, session *pgx.ConnConfig, want map[string]string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.ConnectConfig(ctx, session)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for setting, want := range want {
		var got string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: %s is %q, want %q", kind, setting, got, want)
		}
	}
}

// A commit that waits for a standby to apply it is more than the farm needs, and not for the farm to change.
func TestADatabaseMayAskForMoreDurability(t *testing.T) {
	server := postgrestest.Shared(t)
	databaseURL := server.NewDatabase(t)
	config, err := parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	server.Exec(t, databaseURL, "ALTER DATABASE "+config.ConnConfig.Database+" SET synchronous_commit = remote_apply")
	_, writes := split(config)
	wantSettings(t, "writes", writes.ConnConfig, map[string]string{"synchronous_commit": "remote_apply"})
}
