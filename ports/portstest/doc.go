// Package portstest has the test suites that every implementation of a port must pass: [TestStore] for stores, and [TestFarm] for
// farms, in the same process or behind a client. A suite takes a function that makes an implementation, so the test of an adapter
// is a few lines:
//
//	func TestStore(t *testing.T) {
//		portstest.TestStore(t, env, func(t testing.TB) portstest.Subject { … })
//	}
//
// A suite uses the methods of the port only, and nothing of the implementation. Only [Subject.Advance] moves the time, so a
// suite can test exactly at an expiry and a microsecond before it.
package portstest
