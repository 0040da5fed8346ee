package domain

// Role says what the caller of an API key may do. The adapter that serves callers decides which role may use which route.
type Role string

// The roles. Each may also do all that the roles before it may.
const (
	Viewer Role = "viewer" // reads users, pools and events, and never a secret
	Tester Role = "tester" // acquires users, and reads the secrets of those that it holds
	Admin  Role = "admin"  // manages users and API keys
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// Includes reports whether r may do all that other may. It is false if one of them is not a valid role.
func (r Role) Includes(other Role) bool { return other.Valid() && r.rank() >= other.rank() }

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Tester:
		return 2
	case Admin:
		return 3
	default:
		return 0
	}
}
