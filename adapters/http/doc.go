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
//  1. api.ServerInterfaceWrapper.AcquireLease is the generated route. It runs the middleware first: Guard.Admit
//     authenticates the caller, and rejectQuery checks that there is no query.
//  2. leaseRoutes.AcquireLease is the handler.
//  3. read.Body reads the body.
//  4. bodyReader.read reads each JSON value of it,
//  5. and bodyReader.readInt32 each number.
//  6. read.Header reads the Idempotency-Key,
//  7. and domain.NewIdempotencyKey hides it.
//  8. read.ID parses the ids of the selectors.
//  9. LongRequests.Wait lets the request wait for users, if the caller asked for that.
//  10. entrance.Of returns the farm of the caller. Then comes ports.Farm.Acquire.
//  11. viewLease builds the answer,
//  12. with the lease id of LeaseID.Reveal
//  13. and the passwords of Secret.Reveal.
//  14. The JSON encoder of newApp writes it.
package http
