package domain

const maxReason = 1024

// CheckReason returns an [InvalidError] about /reason unless it can be recorded as the reason of a change. It may be empty.
func CheckReason(reason string) error {
	var v violations
	v.text("/reason", reason, maxReason)
	return v.err()
}
