package postgres

import (
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxConnections is the size of both pools together, unless the URL sets pool_max_conns, which 3 is the least for. It
	// leaves room for several replicas in PostgreSQL's default of 100.
	maxConnections = 16

	// connectTimeout bounds one attempt to connect to one host, unless the URL sets connect_timeout. An operation has time
	// for a host that does not answer and for the next one that does.
	connectTimeout = 2 * time.Second

	// pingTimeout bounds the check of a connection that was idle, unless the URL sets pool_ping_timeout: one to a machine
	// that is gone is replaced within the operation that meets it.
	pingTimeout = 2 * time.Second
)

// sessionSettings are those of every session that the URL does not set.
var sessionSettings = map[string]string{
	"application_name": "userfarm",
	// Operations are bounded here. These bound what they leave on the server when this process or its machine is gone: the
	// rows that a transaction has locked are free for the other replicas after at most that long.
	"statement_timeout":                   "5s",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "10s",
}

// requiredSettings are those of every session: Bun writes values into statements as these say that they are to be read.
var requiredSettings = map[string]string{
	"standard_conforming_strings": "on",
	"client_encoding":             "UTF8",
}

// indexesOnly makes the planner take the indexes that are made for the statements of an engine. Left to itself it would
// leave them some minutes into heavy load: it takes the size of an index for what reading a row by it costs, and that of
// free users is large then, though nearly all of it is empty and waits to be used again.
//
// No plan depends on values, so none is made twice: making one takes longer than a search.
var indexesOnly = map[string]string{
	"enable_seqscan":    "off",
	"enable_bitmapscan": "off",
	"plan_cache_mode":   "force_generic_plan",
}

// split shares the connections of a configuration between one pool for reading and one for an engine, so that neither can
// keep the other from the database.
func split(config *pgxpool.Config) (reads, writes *pgxpool.Config) {
	reads, writes = config.Copy(), config.Copy()
	writes.MaxConns = max(2, config.MaxConns/2)
	reads.MaxConns = max(1, config.MaxConns-writes.MaxConns)
	for name, value := range indexesOnly {
		writes.ConnConfig.RuntimeParams[name] = value
	}
	reads.ConnConfig, writes.ConnConfig = settleSessions(reads.ConnConfig), settleSessions(writes.ConnConfig)
	return reads, writes
}

// parse returns the configuration of a pool for a URL.
func parse(databaseURL string) (*pgxpool.Config, error) {
	if err := CheckURL(databaseURL); err != nil {
		return nil, err
	}
	given, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, errURL
	}
	if _, set := given.RuntimeParams["pool_max_conns"]; !set {
		config.MaxConns = maxConnections
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTimeout
	}
	session := config.ConnConfig
	if session.ConnectTimeout == 0 {
		session.ConnectTimeout = connectTimeout
	}
	if !sets(databaseURL, "target_session_attrs") {
		session.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	for name, value := range sessionSettings {
		if _, set := session.RuntimeParams[name]; !set {
			session.RuntimeParams[name] = value
		}
	}
	for name, value := range requiredSettings {
		session.RuntimeParams[name] = value
	}
	// Bun writes the arguments into the statement, so that hardly any statement is sent twice: preparing or describing each,
	// as pgx would, costs a round trip and fills its caches with what is never used again. This mode sends a statement in
	// one round trip, and unlike the simple protocol takes only one at a time in a query.
	session.DefaultQueryExecMode = pgx.QueryExecModeExec
	return config, nil
}

// sets reports whether the URL itself has a setting.
func sets(databaseURL, setting string) bool {
	_, query, _ := strings.Cut(databaseURL, "?")
	settings, err := url.ParseQuery(query)
	return err == nil && settings.Has(setting)
}
