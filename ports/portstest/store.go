package portstest

import (
	"testing"
)

// TestStore tests that a store keeps the contract of [ports.Store]. It runs every subtest inside env, on a store of its
// own.
func TestStore(t *testing.T, env Env, newSubject Factory) {
	t.Helper()
	themes := []struct {
		name  string
		tests []storeTest
	}{
		{"Add", addTests},
		{"Logins", loginTests},
		{"Merge", mergeTests},
		{"Imports", importTests},
		{"Find", findTests},
		{"List", listTests},
		{"Claim", claimTests},
		{"Refusal", refusalTests},
		{"Rest", restTests},
		{"Expiry", expiryTests},
		{"Update", updateTests},
		{"OpenLock", openLockTests},
		{"Remove", removeTests},
		{"Pools", poolTests},
		{"Projects", projectTests},
		{"Values", valueTests},
		{"Alike", alikeTests},
		{"Holders", holderTests},
		{"Forget", forgetTests},
		{"EndExpired", endExpiredTests},
		{"Line", lineTests},
		{"LinePlace", linePlaceTests},
		{"LineGiveUp", lineGiveUpTests},
		{"LineHopeless", lineHopelessTests},
		{"LineRead", lineReadTests},
		{"LineCount", lineCountTests},
		{"Once", onceTests},
		{"History", historyTests},
		{"HistoryQuery", historyQueryTests},
		{"HistoryFilters", historyFilterTests},
		{"HistoryKeys", historyKeyTests},
		{"HistoryChanges", historyChangeTests},
		{"HistoryOthers", historyOtherTests},
		{"Keys", keysTests},
		{"Scope", scopeTests},
		{"ScopeLine", scopeLineTests},
		{"EndedLease", endedLeaseTests},
		{"LeaseEnd", leaseEndTests},
		{"LateFault", lateFaultTests},
		{"OneTimeCodes", oneTimeCodeTests},
		{"Sessions", sessionTests},
		{"Text", textTests},
		{"Clock", clockTests},
		{"Ownership", ownershipTests},
		{"Cancel", cancelTests},
		{"Restart", restartTests},
		{"Concurrency", concurrencyTests},
		{"Model", modelTests},
	}
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			for _, test := range theme.tests {
				t.Run(test.name, func(t *testing.T) {
					env(t, func(t *testing.T) {
						f := newFarm(t, newSubject(t))
						test.run(f)
						f.checkHolds()
						f.checkObserved()
					})
				})
			}
		})
	}
}

// storeTest is a rule for stores and the test of it.
type storeTest struct {
	name string
	run  func(f *farm)
}
