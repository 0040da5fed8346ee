// Package bench measures a running farm over HTTP, for whoever plans its capacity: how many users a second it hands out
// and takes back, how long that takes, and whether it ever gave one user to two clients at once.
//
// It shares the machine with the farm more often than not, so it spends little on a request: connections, requests and
// answers are reused, bodies are prepared once, and what it remembers does not grow with the number of requests.
package bench
