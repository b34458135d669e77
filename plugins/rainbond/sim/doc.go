// Package sim imitates, on the wire and with state, a Rainbond console with
// its OpenAPI and the app store that the console installs from, so that a
// client can be proved against refusals, lost answers and restarts without an
// installation.
//
// It is written from the vendor's published facts only and shares no code
// with the plugin: a mistake in a client cannot hide behind the same mistake
// here. It is not a Kubernetes cluster: nothing is started, and what the facts
// do not say is listed in README.md as a choice.
//
// A [Cloud] is an http.Handler for both vendor APIs, which differ in their
// paths, and hands out a second handler for tests ([Cloud.Admin]); the two
// must listen on different ports. All methods are safe for concurrent use; one
// mutex guards all state, and no goroutine outlives a call. State machines
// advance by comparing due times with the clock when somebody looks, so a fake
// clock needs no waiting.
package sim
