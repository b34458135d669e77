// Package callinfo carries, in the context of a call, what the call is about,
// so that the lines a plugin logs meanwhile can be found by it. It holds no
// credentials.
package callinfo

import "context"

// Info says for whom a call is made and in which request.
type Info struct {
	RequestID string
	Org       string
}

type key struct{}

// With returns a context that knows i.
func With(ctx context.Context, i Info) context.Context {
	if i == (Info{}) {
		return ctx
	}
	return context.WithValue(ctx, key{}, i)
}

// Of returns what ctx knows; the zero Info outside of calls.
func Of(ctx context.Context) Info {
	i, _ := ctx.Value(key{}).(Info)
	return i
}
