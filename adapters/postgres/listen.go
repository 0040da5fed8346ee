package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userfarm/userfarm/adapters/bunstore"
)

// listenAgain is how long after its connection was lost a listener connects again.
const listenAgain = time.Second

// listen calls hear with what replicas tell, and each time that it has begun to listen: what was told before that is not heard.
func listen(config *pgx.ConnConfig) func(ctx context.Context, hear func(text string)) {
	session := withoutTimeouts(config)
	return func(ctx context.Context, hear func(text string)) {
		for ctx.Err() == nil {
			_ = listenOnce(ctx, session, hear) // while the database is away, claims in line look by themselves
			select {
			case <-ctx.Done():
			case <-time.After(listenAgain):
			}
		}
	}
}

// listenOnce listens until the connection is lost.
func listenOnce(ctx context.Context, session *pgx.ConnConfig, hear func(text string)) error {
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
	text := bunstore.TellAnything
	for {
		hear(text)
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		text = notification.Payload
	}
}
