package domain

// Role says what the holder of an API key may do. Which role may call which route is the wire's to know.
type Role string

// The roles. Each may do all that those before it may.
const (
	Viewer Role = "viewer" // sees users, pools and events, and never a secret
	Tester Role = "tester" // takes users, and sees the secrets of those that it takes
	Admin  Role = "admin"  // keeps users and API keys
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// Includes reports whether r may do all that other may. It is false if either is none of the roles.
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
