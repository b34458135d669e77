// Package api is the HTTP edge of the broker: the Fiber server with its
// limits, authentication, request log, metrics and documents, and the one
// table that turns faults into RFC 9457 problems.
//
// It holds no rule of the business: packages below it (v1) bind routes to
// use-cases with [Handle]. Only the composition root imports it. A Server is
// safe for concurrent use once Start has been called.
package api
