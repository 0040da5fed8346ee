package http

// Settings are what the operator of a [Server] chooses.
type Settings struct {
	Limits Limits

	// LoopbackOnly says that only the server's own machine reaches it, and the farm may be entered without an API key. Then
	// requests without one are refused that a browser may send for a page of another site.
	LoopbackOnly bool

	// TLS says that clients reach the server through TLS, and tells browsers never to come without.
	TLS bool
}
