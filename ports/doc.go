// Package ports holds the interfaces between the use cases and the world. [Farm] is the inbound one: what userfarm does
// for its callers, whatever the way they come, once [Gate] has let them in. [Store] and [Sealer] are the outbound ones: what userfarm needs.
//
// Package portstest has the suites that every implementation must pass.
package ports
