package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// listenAgain is how long after its connection was lost a listener connects again.
const listenAgain = time.Second

// listen calls wake whenever a replica may have set users free, and each time that it has begun to listen: what happened before
// that was not notified.
func listen(config *pgx.ConnConfig) func(ctx context.Context, wake func(gone string)) {
	session := withoutTimeouts(config)
	return func(ctx context.Context, wake func(gone string)) {
		for ctx.Err() == nil {
			_ = listenOnce(ctx, session, wake) // while the database is away, claims in line look by themselves
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	}
}

// listenOnce listens until the connection is lost.
func listenOnce(ctx context.Context, session *pgx.ConnConfig, wake func(gone string)) error {
	conn, err := pgx.ConnectConfig(ctx, session)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+lineChannel); err != nil {
		return err
	}
	gone := bunstore.AnyGone
	for {
		wake(gone)
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		gone = notification.Payload
	}
}
