package ports

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Gate authenticates callers.
type Gate interface {
	// Enter returns the caller that a token authenticates, and the farm for this caller. The zero token means no token, and
	// is accepted only if the farm never had an API key. Enter returns [domain.ErrUnauthorized] for a token that it rejects,
	// and [ErrUnavailable].
	Enter(ctx context.Context, token domain.Token) (domain.Caller, Farm, error)
}
