package bench

import "fmt"

// layout says how users are spread over pools and sets of labels, and which of them an acquire wants.
//
// Users have numbers from 0. User i is in pool i%pools, and the users of a pool have the sets of labels in turn. An acquire wants a
// user of a target: of a pool, or of a pool and a set of labels.
type layout struct {
	pools     int
	labelSets int  // 0 if the users have no labels
	shared    bool // an acquire wants the label that all sets share
}

// plain is one pool of users without labels.
var plain = layout{pools: 1}

// Every user with labels has two: one that no other set has, like the number of an account, and one that all sets of its environment
// share. Users of other environments have neither.
const (
	labelOwn    = "account"
	labelShared = "group"
)

// targets returns how many targets there are.
func (l layout) targets() int {
	if l.shared {
		return l.pools
	}
	return l.pools * max(l.labelSets, 1)
}

// targetOf returns the target that a user belongs to.
func (l layout) targetOf(user int) int { return user % l.targets() }

// targetsOf returns the targets of a client, which it takes in turn. If there are enough, no two clients have a target in common, so
// that they need not wait for each other.
func (l layout) targetsOf(client, clients int) []int {
	targets := l.targets()
	if client >= targets {
		return []int{client % targets}
	}
	var own []int
	for target := client; target < targets; target += clients {
		own = append(own, target)
	}
	return own
}

// user returns the body that creates a user in an environment of the project.
func (l layout) user(project, env string, user int) string {
	labels := ""
	if l.labelSets > 0 {
		labels = fmt.Sprintf(`,"labels":{%q:"%s-%d",%q:%q}`, labelOwn, env, l.setOf(user), labelShared, env)
	}
	return fmt.Sprintf(`{"login":"bench-%d","password":"bench","project_id":%q,"env":%q,"domain":%q%s}`,
		user, project, env, l.domain(user), labels)
}

// selector returns the selector of a user of the target.
func (l layout) selector(project, env string, target int) string {
	labels := ""
	switch {
	case l.labelSets == 0:
	case l.shared:
		labels = fmt.Sprintf(`,"labels":{%q:%q}`, labelShared, env)
	default:
		labels = fmt.Sprintf(`,"labels":{%q:"%s-%d"}`, labelOwn, env, l.setOf(target))
	}
	return fmt.Sprintf(`{"project_id":%q,"env":%q,"domain":%q%s}`, project, env, l.domain(target), labels)
}

// domain returns the domain, and so the pool, of a user or target.
func (l layout) domain(number int) string {
	if l.pools == 1 {
		return poolDomain
	}
	return fmt.Sprintf("%s-%d", poolDomain, number%l.pools)
}

// setOf returns the number of the set of labels of a user or target.
func (l layout) setOf(number int) int { return number / l.pools % l.labelSets }
