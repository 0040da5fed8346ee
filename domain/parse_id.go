package domain

import "encoding/hex"

// IDRule says which texts are ids: those that [ParseUserID] and the like accept.
const IDRule = "must be a UUID other than the nil UUID"

// ParseUserID parses the canonical form of a UUID, in upper or lower case. It returns an [InvalidError] about /user_id for
// any other text, and for the nil UUID, which means "no user".
func ParseUserID(text string) (UserID, error) {
	id, err := parseID("/user_id", text)
	return id, err
}

// ParseProjectID is [ParseUserID] for a project. Its error is about /project_id.
func ParseProjectID(text string) (ProjectID, error) {
	id, err := parseID("/project_id", text)
	return id, err
}

// ParseAPIKeyID is [ParseUserID] for an API key. Its error is about /key_id.
func ParseAPIKeyID(text string) (APIKeyID, error) {
	id, err := parseID("/key_id", text)
	return id, err
}

// ParseLeaseID is [ParseUserID] for a lease. Its error is about /lease_id and does not quote the text, which is a secret.
func ParseLeaseID(text string) (LeaseID, error) {
	id, err := parseID("/lease_id", text)
	return id, err
}

// parseID parses 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12. The id is zero if there is an error.
func parseID(pointer, text string) (id [16]byte, err error) {
	id, ok := parseUUID(text)
	if !ok || id == [16]byte{} {
		return [16]byte{}, Invalid(pointer, IDRule)
	}
	return id, nil
}

// isUUID reports whether a text has the canonical form of a UUID, the nil UUID included.
func isUUID(text string) bool {
	_, ok := parseUUID(text)
	return ok
}

func parseUUID(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}
