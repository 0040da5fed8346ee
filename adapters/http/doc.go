// Package http serves the farm over HTTP: the /v1 API, the legacy routes, the health of the service and its documentation.
//
// openapi.yaml is the contract. The routes and the types of requests and answers are generated from it (package api). This
// package has a handler for each route, in one file per resource. A handler reads a request with package read, calls the
// farm within the scope of the caller, and returns the answer or the error of the farm. Package problem maps errors to
// answers, package entrance authenticates callers, package connection has the connections, and package legacy has the
// legacy routes. The domain has the rules about users and leases. This package only checks what the domain can't see:
// that a body is JSON with the described members, and that ids are UUIDs.
//
// # The path of an acquire
//
// POST /v1/leases runs these functions of this module from the generated route to the farm and back:
//
//  1. api.ServerInterfaceWrapper.AcquireLease is the generated route. Its middleware comes first: Guard.Admit
//     authenticates the caller, and rejectQuery checks that there is no query.
//  2. leaseRoutes.AcquireLease is the handler.
//  3. read.Body reads the body,
//  4. with bodyReader.read for each JSON value,
//  5. and bodyReader.readInt32 for each number.
//  6. read.Header reads the Idempotency-Key.
//  7. domain.NewIdempotencyKey checks it.
//  8. read.ID parses the ids of the selectors.
//  9. LongRequests.Wait counts the request if the caller asked to wait. It then runs LongRequests.BeginUntilShutdown
//     and LongRequests.Begin, too, and at the end the functions that these return.
//  10. entrance.Of returns the farm of the caller. Its method Acquire is the way to the store and back.
//  11. viewLease builds the answer,
//  12. with the lease id of domain.LeaseID.Reveal
//  13. and the passwords of domain.Secret.Reveal.
//  14. The JSON encoder in newApp encodes it.
package http
