// Package bench measures a running farm over HTTP, for capacity planning: how many users per second it hands out and takes back, how
// long that takes, and whether it ever gave one user to two clients at the same time.
//
// The users may be spread over many pools and sets of labels, and acquires for other users may wait in line meanwhile. To see what
// these cost, the bench measures a plain pool in turn. It also measures how long it takes to hand over a user to its waiter.
//
// It often runs on the same machine as the farm, so it uses few resources: it reuses connections, requests and answers, prepares
// bodies once, and its memory does not grow with the number of requests.
package bench
