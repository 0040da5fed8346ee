// Package ports holds the interfaces between the use cases and everything around them. Inbound, [Gate] authenticates
// callers and [Farm] is what userfarm does for them, over HTTP or in Go. Outbound, [Store] keeps the data and [Sealer]
// encrypts secrets.
//
// Package portstest has the suites that every implementation must pass.
package ports
