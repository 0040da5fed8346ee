package ports

import (
	"time"

	"github.com/userfarm/userfarm/domain"
)

// Claim says what [Users.Claim] is to do.
type Claim struct {
	// Want has a selector for each user.
	Want []domain.Selector

	// Wait is how long to wait in line if the users are not free; 0 is not at all.
	Wait time.Duration

	// Once describes the call, so that a repetition of it is not carried out again. It may be zero.
	Once domain.Once

	// Asker is for people that look at the line.
	Asker domain.Asker

	// Decide changes the users that were found. The store writes what it left.
	Decide Decide
}
