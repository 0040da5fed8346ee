package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/userfarm/userfarm/domain"
)

// poolsCommand tells how many users are in which state.
type poolsCommand struct {
	farmFlags `embed:""`
	jsonFlag  `embed:""`
	watchFlag `embed:""`
}

// Help has the examples.
func (*poolsCommand) Help() string {
	return `A pool has the users that share a project, an environment and a domain.

Examples:

  userfarm pools --watch
  userfarm pools --json | jq '.pools[] | select(.free == 0)'`
}

// shownPool is a pool as the API has it in JSON.
type shownPool struct {
	ProjectID          string `json:"project_id"`
	Env                string `json:"env"`
	Domain             string `json:"domain"`
	Total              int    `json:"total"`
	Free               int    `json:"free"`
	Locked             int    `json:"locked"`
	Quarantined        int    `json:"quarantined"`
	Waiting            int    `json:"waiting"`
	LongestWaitSeconds int    `json:"longest_wait_seconds"`
}

// Run counts the users of each pool.
func (p *poolsCommand) Run(ctx context.Context) error { return p.repeat(ctx, p.show) }

func (p *poolsCommand) show(ctx context.Context) error {
	counts, err := p.farm.Pools(ctx)
	if err != nil {
		return p.advise(err)
	}
	if p.JSON {
		p.clear()
		return writeJSON(shapeOfPools(counts))
	}
	names := namesOfProjects(ctx, p.farm)
	p.clear()
	rows := [][]string{{"ENV", "DOMAIN", "FREE", "LOCKED", "QUARANTINED", "TOTAL", "WAITING", "LONGEST WAIT", "PROJECT"}}
	for _, c := range counts {
		wait := ""
		if c.Waiting > 0 {
			wait = c.LongestWait.Truncate(time.Second).String()
		}
		rows = append(rows, []string{
			c.Pool.Env, c.Pool.Domain, strconv.Itoa(c.Free), strconv.Itoa(c.Locked), strconv.Itoa(c.Quarantined), strconv.Itoa(c.Total),
			strconv.Itoa(c.Waiting), wait, names.of(c.Pool.ProjectID),
		})
	}
	return writeTable(os.Stdout, rows)
}

func shapeOfPools(counts []domain.PoolCount) any {
	pools := make([]shownPool, len(counts))
	for i, c := range counts {
		pools[i] = shownPool{
			ProjectID: c.Pool.ProjectID.String(), Env: c.Pool.Env, Domain: c.Pool.Domain, Total: c.Total, Free: c.Free, Locked: c.Locked,
			Quarantined: c.Quarantined, Waiting: c.Waiting, LongestWaitSeconds: int(c.LongestWait / time.Second),
		}
	}
	return struct {
		Pools []shownPool `json:"pools"`
	}{pools}
}
