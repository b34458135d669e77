// Package board lists the pods and nodes of a cluster as rows for people, in
// the exact formats of the compute centre's boards. Lists go in pages of at
// most [MostRows]; nothing of a page is kept for the next, so that memory does
// not grow with the cluster. Rows hold Kubernetes' own words; [PodRow.Chinese] and
// [NodeRow.Chinese] put the board's words in their place.
package board

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"tradewind.example/plugins/cpcc/internal/cluster"
	"tradewind.example/plugins/cpcc/internal/cluster/capacity"
	"tradewind.example/sdk/fault"
)

// MostRows is the longest page.
const MostRows = 500

// Query says which page.
type Query struct {
	Namespace string // pods only; "": all
	Labels    string // a label selector; "": all
	Limit     int    // 1 to MostRows; 0: MostRows
	Continue  string // from the page before; one that is too old is a conflict fault
}

func (q Query) options() (metav1.ListOptions, error) {
	if q.Limit < 0 || q.Limit > MostRows {
		return metav1.ListOptions{}, fault.Invalid("limit", "must be 1 to %d", MostRows)
	}
	if q.Limit == 0 {
		q.Limit = MostRows
	}
	return metav1.ListOptions{LabelSelector: q.Labels, Limit: int64(q.Limit), Continue: q.Continue}, nil
}

// Page is a part of a list.
type Page[Row any] struct {
	Rows      []Row
	Continue  string // "": the last one
	Remaining int    // rows after this page; -1 when the cluster does not tell, as with a selector
}

func remaining(m metav1.ListMeta) int {
	switch {
	case m.RemainingItemCount != nil:
		return int(*m.RemainingItemCount)
	case m.Continue == "":
		return 0
	}
	return -1
}

// each walks the pages of get.
func each[Row any](q Query, get func(Query) (Page[Row], error), yield func(Row) error) error {
	for {
		page, err := get(q)
		if err != nil {
			return err
		}
		for _, row := range page.Rows {
			if err := yield(row); err != nil {
				return err
			}
		}
		if q.Continue = page.Continue; q.Continue == "" {
			return nil
		}
	}
}

// EachPod yields every row that the query matches, a page in memory at a time,
// and stops at yield's first error, which it returns.
func EachPod(ctx context.Context, c *cluster.Client, now time.Time, q Query, yield func(PodRow) error) error {
	return each(q, func(q Query) (Page[PodRow], error) { return Pods(ctx, c, now, q) }, yield)
}

// EachNode is EachPod for nodes.
func EachNode(ctx context.Context, c *cluster.Client, now time.Time, q Query, yield func(NodeRow) error) error {
	asked, err := capacity.Asked(ctx, c)
	if err != nil {
		return err
	}
	return each(q, func(q Query) (Page[NodeRow], error) { return nodes(ctx, c, now, q, asked) }, yield)
}

func age(now time.Time, since metav1.Time) string {
	return duration.HumanDuration(now.Sub(since.Time))
}

func cores(milli int64, digits int) string {
	return fmt.Sprintf("%.*f核", digits, float64(milli)/1000)
}

func binary(bytes int64, unit int64, word string, digits int) string {
	return fmt.Sprintf("%.*f%s", digits, float64(bytes)/float64(unit), word)
}

func percent(part, whole int64, digits int) string {
	if whole == 0 {
		return fmt.Sprintf("%.*f%%", digits, 0.0)
	}
	return fmt.Sprintf("%.*f%%", digits, 100*float64(part)/float64(whole))
}

// orElse is the board's word for an empty field.
func orElse(text, word string) string {
	if strings.TrimSpace(text) == "" {
		return word
	}
	return text
}
