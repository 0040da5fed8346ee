package ports

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Claim is what [Users.Claim] is asked for.
type Claim struct {
	// Want says which users.
	Want []domain.Selector

	// Wait is how long to stand in line if they are not free; 0 is not at all.
	Wait time.Duration

	// Once names the call that this is, if it is not to be carried out twice.
	Once domain.Once

	// Decide makes of the users what is to be written.
	Decide Decide
}
