// Package portstest has the suites that every implementation of an outbound port must pass. A suite takes a factory, so
// that the test of an adapter is the few lines that make one:
//
//	func TestStore(t *testing.T) {
//		portstest.TestStore(t, env, func(t testing.TB) portstest.Subject { … })
//	}
//
// A suite knows the port and nothing of what is behind it. It moves time through [Subject.Advance] alone, so that what
// happens exactly at an expiry can be told from what happens a microsecond before.
package portstest
