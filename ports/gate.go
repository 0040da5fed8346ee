package ports

import (
	"context"

	"github.com/userfarm/userfarm/domain"
)

// Gate lets callers in.
type Gate interface {
	// Enter returns who comes with a token, and the farm as they may know it. The zero token is none: with it only a farm is
	// entered that never had an API key. It returns [domain.ErrUnauthorized] for who may not enter, and [ErrUnavailable].
	Enter(ctx context.Context, token domain.Token) (domain.Caller, Farm, error)
}
