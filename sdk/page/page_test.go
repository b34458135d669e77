package page_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
)

func number(i int) string { return strconv.Itoa(i) }

// cloud is a paged list of n rows; cap is the most it gives in one page.
func cloud(n, most int, total bool) page.FetchOffset[int] {
	return func(_ context.Context, offset, limit int) ([]int, int, error) {
		var rows []int
		for i := offset; i < n && len(rows) < min(limit, most); i++ {
			rows = append(rows, i)
		}
		if total {
			return rows, n, nil
		}
		return rows, page.UnknownTotal, nil
	}
}

func TestEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 300).Draw(t, "rows"), rapid.IntRange(1, 50).Draw(t, "size")
		most := size
		total := rapid.Bool().Draw(t, "total")
		if total {
			most = rapid.IntRange(1, 60).Draw(t, "most") // a cloud may give less than asked for
		}
		var got []int
		err := page.ByOffset(context.Background(), page.Options{Size: size}, cloud(n, most, total), number,
			func(i int) error { got = append(got, i); return nil })
		if err != nil || len(got) != n {
			t.Fatalf("%d rows of %d, %v", len(got), n, err)
		}
		for i, v := range got {
			if i != v {
				t.Fatalf("row %d is %d", i, v)
			}
		}
	})
}

func byToken(next map[string]string) page.FetchToken[int] {
	calls := 0
	return func(_ context.Context, token string, _ int) ([]int, string, error) {
		calls++
		return []int{calls}, next[token], nil
	}
}

func TestByToken(t *testing.T) {
	t.Parallel()
	var got []int
	err := page.ByToken(t.Context(), page.Options{}, byToken(map[string]string{"": "a", "a": "b", "b": ""}), number,
		func(i int) error { got = append(got, i); return nil })
	if err != nil || len(got) != 3 {
		t.Errorf("%v, %v; want three pages", got, err)
	}
}

func TestBrokenCloudsEnd(t *testing.T) {
	t.Parallel()
	keep := func(int) error { return nil }
	same := func(context.Context, int, int) ([]int, int, error) { return []int{1, 2}, 1000, nil }
	endless := func(_ context.Context, offset, limit int) ([]int, int, error) { return []int{offset}, 1 << 30, nil }
	for reason, err := range map[string]error{
		"a cloud that ignores the offset": page.ByOffset(t.Context(), page.Options{Size: 2}, same, number, keep),
		"a list without an end":           page.ByOffset(t.Context(), page.Options{Size: 1, MaxPages: 5}, endless, number, keep),
		"a token that leads to itself":    page.ByToken(t.Context(), page.Options{}, byToken(map[string]string{"": "a", "a": "a"}), number, keep),
		"tokens in a circle":              page.ByToken(t.Context(), page.Options{MaxPages: 9}, byToken(map[string]string{"": "a", "a": "b", "b": "a"}), number, keep),
	} {
		if !fault.Is(err, fault.ClassInternal) {
			t.Errorf("%s: %v; want internal", reason, err)
		}
	}
}

func TestErrorsPassUnchanged(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	if err := page.ByOffset(t.Context(), page.Options{}, cloud(5, 5, true), number, func(int) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("yield's error: %v", err)
	}
	broken := func(context.Context, int, int) ([]int, int, error) { return nil, 0, stop }
	if err := page.ByOffset(t.Context(), page.Options{}, broken, number, nil); !errors.Is(err, stop) {
		t.Errorf("fetch's error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := page.ByOffset(ctx, page.Options{}, cloud(5, 5, true), number, func(int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestRowsThatMovedAreNotYieldedTwice(t *testing.T) {
	t.Parallel()
	pages := [][]int{{1, 2}, {2, 3}} // a row was inserted before the first page
	fetch := func(_ context.Context, offset, _ int) ([]int, int, error) { return pages[offset/2], 4, nil }
	sum := 0
	if err := page.ByOffset(t.Context(), page.Options{Size: 2}, fetch, number, func(i int) error { sum += i; return nil }); err != nil || sum != 6 {
		t.Errorf("sum %d, %v; want each of 1, 2, 3 once", sum, err)
	}
}

func ExampleByOffset() {
	fetch := func(_ context.Context, offset, limit int) ([]int, int, error) {
		all := []int{10, 20, 30}
		return all[offset:min(offset+limit, len(all))], len(all), nil
	}
	err := page.ByOffset(context.Background(), page.Options{Size: 2}, fetch, strconv.Itoa,
		func(row int) error { fmt.Println(row); return nil })
	fmt.Println(err)
	// Output:
	// 10
	// 20
	// 30
	// <nil>
}
