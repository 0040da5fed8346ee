package problem

import (
	"time"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// tellEnd adds to the problem of a lease that is over how it ended.
func tellEnd(ended *domain.EndedLeaseError, answer *api.Problem) {
	if ended.End != "" {
		answer.Ended, answer.EndedAt = api.LeaseEnd(ended.End), new(ended.At.UTC())
	}
}

// endedDetail says for people what tellEnd says. unknown is the detail if it is not known how the lease ended.
func endedDetail(ended *domain.EndedLeaseError, unknown string) string {
	const stop = ". Stop using its users: another test may hold them now."
	detail, at := unknown, ended.At.UTC().Format(time.RFC3339)
	switch ended.End {
	case domain.LeaseExpired:
		detail = "The lease expired at " + at + stop
	case domain.LeaseReleased:
		detail = "The lease was released at " + at + stop
	case domain.LeaseForced:
		detail = "The lease was ended by force at " + at + stop
	}
	return detail
}
