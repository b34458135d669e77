package pcapi

import (
	"context"
	"encoding/json"
	"strings"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/board"
	"tradewind.example/plugins/cpcc/internal/cluster/node"
	"tradewind.example/plugins/cpcc/internal/cluster/placement"
	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/secret"
)

const done = "operate success"

// label sets or removes one label of a node.
func (s *Server) label(ctx context.Context, p params) (answer, error) {
	if err := p.need("worker_node", "label", "opt"); err != nil {
		return answer{}, err
	}
	key, value, ok := strings.Cut(p["label"], "=")
	if !ok {
		return answer{}, fault.Invalid("query.label", "must be written key=value")
	}
	k, err := s.keeper(ctx, p)
	if err != nil {
		return answer{}, err
	}
	switch p["opt"] {
	case "label":
		err = k.Label(ctx, p["worker_node"], key, value)
	case "unlabel":
		err = k.Unlabel(ctx, p["worker_node"], key, value)
	default:
		err = fault.Invalid("query.opt", "must be label or unlabel")
	}
	return orFailed(answer{info: "节点绑定标签成功", data: struct{}{}}, "", err)
}

// orFailed is the answer, or with an error that of a failure.
func orFailed(a answer, info string, err error) (answer, error) {
	if err != nil {
		return answer{info: info, data: a.data, failed: info != ""}, err
	}
	return a, nil
}

func (s *Server) keeper(ctx context.Context, p params) (*node.Keeper, error) {
	client, err := s.control(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.keep(client), nil
}

func (s *Server) keep(client *cluster.Client) *node.Keeper {
	return node.New(node.Config{Client: client, Log: s.cfg.Log, Clock: s.cfg.Clock})
}

// product is one thing on a page, with what it is made of.
type product struct {
	ID    string `json:"productid"`
	Parts []struct {
		Type   string `json:"type"`
		Model  string `json:"model"`
		Amount int64  `json:"amount"`
	} `json:"parts"`
}

// mostProducts bounds one page.
const mostProducts = 200

// accommodate returns the products that no node can hold, without an envelope.
func (s *Server) accommodate(ctx context.Context, p params) (answer, error) {
	if err := p.need("kubeconfig", "resources"); err != nil {
		return answer{}, err
	}
	var products []product
	if err := json.Unmarshal([]byte(p["resources"]), &products); err != nil || len(products) > mostProducts {
		return answer{}, fault.Invalid("query.resources", "must be a list of at most %d products with their parts", mostProducts)
	}
	client, err := s.pool.Get(secret.New(p["kubeconfig"]))
	if err != nil {
		return answer{}, err
	}
	needs := make([]placement.Need, 0, len(products))
	for _, one := range products {
		n, err := one.need()
		if err != nil {
			return answer{}, err
		}
		needs = append(needs, n)
	}
	verdicts, err := placement.Check(ctx, client, needs)
	out := []string{}
	for _, v := range verdicts {
		if !v.Fits {
			out = append(out, v.ID)
		}
	}
	return orFailed(answer{data: out, bare: true}, "", err)
}

// listed is a board.
type listed[Row any] struct {
	Total int   `json:"total"`
	Rows  []Row `json:"rows"`
}

// mostRows bounds a board, which this API does not page.
const mostRows = 10_000

func (s *Server) pods(ctx context.Context, p params) (answer, error) {
	client, err := s.control(ctx, p)
	if err != nil {
		return answer{}, err
	}
	out := listed[pod]{Rows: []pod{}}
	err = board.EachPod(ctx, client, s.cfg.Clock.Now(), board.Query{}, func(r board.PodRow) error {
		if out.Total++; out.Total > mostRows {
			return fault.Quota("the cluster has more than %d pods", mostRows)
		}
		out.Rows = append(out.Rows, podOf(r))
		return nil
	})
	return orFailed(answer{info: done, data: out}, "", err)
}

func (s *Server) nodes(ctx context.Context, p params) (answer, error) {
	client, err := s.control(ctx, p)
	if err != nil {
		return answer{}, err
	}
	out := listed[member]{Rows: []member{}}
	err = board.EachNode(ctx, client, s.cfg.Clock.Now(), board.Query{}, func(r board.NodeRow) error {
		if out.Total++; out.Total > mostRows {
			return fault.Quota("the cluster has more than %d nodes", mostRows)
		}
		out.Rows = append(out.Rows, memberOf(r))
		return nil
	})
	return orFailed(answer{info: done, data: out}, "", err)
}

// switched is what a switch says.
type switched struct {
	State string `json:"state"`
	Drain bool   `json:"drain"`
}

// switchNode cordons or uncordons a node; darin, as callers write it, empties it.
func (s *Server) switchNode(ctx context.Context, p params) (answer, error) {
	if err := p.need("node_name", "state"); err != nil {
		return answer{}, err
	}
	k, err := s.keeper(ctx, p)
	if err != nil {
		return answer{}, err
	}
	empty := p.truth("darin")
	switch {
	case p["state"] == "uncordon" && !empty:
		err = k.Uncordon(ctx, p["node_name"])
	case p["state"] == "cordon" && empty:
		_, err = k.Drain(ctx, p["node_name"], node.DrainOptions{Bare: true})
	case p["state"] == "cordon":
		err = k.Cordon(ctx, p["node_name"])
	default:
		err = fault.Invalid("query.state", "must be cordon, with or without darin, or uncordon")
	}
	return orFailed(answer{info: "switch node success", data: switched{p["state"], empty}}, "switch node failed", err)
}
