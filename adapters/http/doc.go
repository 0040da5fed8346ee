// Package http serves the farm over HTTP: the legacy routes, the /v1 API, its description and how the service is.
//
// The contract is openapi.yaml; the routes and the types of requests and answers are generated from it. access.go says which
// role may call which route, and admission.go lets in who may. A handler reads a request, calls the farm as the caller may
// know it, and returns what that answered, or its error: problems.go knows what the wire says about each error. Rules about
// users and leases are the domain's. This package checks only what the domain can't see: that a body is JSON of the
// described shape, and that ids are ids.
package http
