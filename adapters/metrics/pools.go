package metrics

import (
	"sync"

	"github.com/userfarm/userfarm/domain"
)

const (
	// MostPools is how many pools the metrics tell apart. The others are added up in one, whose labels are all "other".
	MostPools = 200

	// mostWanted is how many more pools are told apart that somebody has asked for, and of which no user is known to this process.
	// Callers choose what they ask for, and must not use up the names.
	mostWanted = 50

	otherName = "other"
)

// poolName has the labels of a pool. They are empty for what a selector leaves open.
type poolName struct{ project, env, domain string }

func nameOf(pool domain.Pool) poolName {
	name := poolName{env: pool.Env, domain: pool.Domain}
	if !pool.ProjectID.IsZero() {
		name.project = pool.ProjectID.String()
	}
	return name
}

// others is the pool that stands for all that are not told apart. No project has this id.
var others = poolName{otherName, otherName, otherName}

func (n poolName) labels(more ...string) []string {
	return append([]string{n.project, n.env, n.domain}, more...)
}

// knownPools are the pools that histograms tell apart: the first ones that this process has seen.
type knownPools struct {
	mu     sync.RWMutex
	names  map[domain.Pool]poolName
	wanted map[domain.Pool]poolName
}

// ofUser returns the name of a pool that has, or had, a user.
func (k *knownPools) ofUser(pool domain.Pool) poolName {
	if name, known := k.find(pool); known {
		return name
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.names == nil {
		k.names = make(map[domain.Pool]poolName)
	}
	return admit(k.names, pool, MostPools)
}

// ofWant returns the name of what a claim wants, which may be no pool at all.
func (k *knownPools) ofWant(pool domain.Pool) poolName {
	if name, known := k.find(pool); known {
		return name
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if name, known := k.wanted[pool]; known {
		return name
	}
	if k.wanted == nil {
		k.wanted = make(map[domain.Pool]poolName)
	}
	return admit(k.wanted, pool, mostWanted)
}

// find returns the name of a pool that is known to have users, and whether that needs no more thought.
func (k *knownPools) find(pool domain.Pool) (name poolName, known bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	name, known = k.names[pool]
	return name, known
}

func admit(names map[domain.Pool]poolName, pool domain.Pool, most int) poolName {
	if name, known := names[pool]; known {
		return name
	}
	if len(names) >= most {
		return others
	}
	name := nameOf(pool)
	names[pool] = name
	return name
}
