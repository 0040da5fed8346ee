// Package client uses a farm over HTTP. [Client] implements [ports.Farm], so code that is written against the port runs with a
// farm in the same process, in memory, or elsewhere:
//
//	farm, err := client.New("https://farm.example.com", client.WithAPIKey(os.Getenv("USERFARM_API_KEY")))
//	lease, err := farm.Acquire(ctx, []domain.Selector{{Env: "stage"}}, domain.Terms{Wait: 5 * time.Minute}, domain.IdempotencyKey{})
//
// The errors are those of the port: errors.Is(err, domain.ErrPoolExhausted) is true for a farm in the same process, and for one
// behind this client. [Error] has what the farm said about it.
//
// # Retries
//
// The client repeats a request after a failure that may pass: a lost connection, a limit, or a farm that restarts. It waits longer
// from time to time, and at least as long as the farm asks for (Retry-After). It stops when ctx ends, or after [WithRetryFor].
//
// A lost answer leaves open whether the farm has carried out the request. Acquire and CreateUser send an idempotency key, and get
// the answer that was lost. Most other requests have the same result when they are repeated. Those that do not, such as LockOpen
// and CreateKey, are repeated only if the farm certainly has not carried them out.
//
// # Secrets
//
// No error has a password, a lease id, an API key or an idempotency key.
package client
