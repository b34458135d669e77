// Package apitest proves what the whole API promises, against a running broker
// with a plugin and two full worlds in one store: that nobody sees or touches
// what is foreign, that no request breaks the server, that repeats and stale
// versions are refused as documented, and that secrets stay where they belong.
//
// The walks are generated from the OpenAPI document that the server serves, so
// that a new route is walked, or fails the test, without anybody remembering.
// It holds tests alone: rules of single use-cases are tested beside them.
package apitest
