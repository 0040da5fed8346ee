package problem

import (
	"time"

	"github.com/google/uuid"

	"github.com/userfarm/userfarm/adapters/http/internal/api"
	"github.com/userfarm/userfarm/domain"
)

// tellEnd adds to the problem of a lease that is over how it ended, and what became of the faults that a release reported.
func tellEnd(ended *domain.EndedLeaseError, answer *api.Problem) {
	if ended.End != "" {
		answer.Ended, answer.EndedAt = api.LeaseEnd(ended.End), new(ended.At.UTC())
	}
	for _, fault := range shownFaults(ended) {
		answer.Quarantine = append(answer.Quarantine, api.LateFault{UserID: uuid.UUID(fault.UserID).String(), Kept: fault.Kept})
	}
}

// shownFaults returns the faults that the problem is about. Only if the users of the lease are not known, there may be more of
// them than a lease has users.
func shownFaults(ended *domain.EndedLeaseError) []domain.LateFault {
	return ended.Faults[:min(len(ended.Faults), domain.MaxLeaseUsers)]
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
	kept, late := "", ""
	for _, fault := range shownFaults(ended) {
		if id := " " + uuid.UUID(fault.UserID).String(); fault.Kept {
			kept += id
		} else {
			late += id
		}
	}
	if kept != "" {
		detail += " In quarantine:" + kept + "."
	}
	if late != "" {
		detail += " Too late for quarantine:" + late + "."
	}
	return detail
}
