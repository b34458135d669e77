// Package sim imitates the API of Capital Online (首云) on the wire, with
// state, so that a client can be proved against refusals, lost answers and
// restarts without a cloud account.
//
// It is written from the vendor's published facts only and shares no code
// with the vendor's SDK or with the plugin: a mistake in a client cannot hide
// behind the same mistake here. It is not a hypervisor: nothing is started,
// and what the documents do not say is listed in README.md as a choice.
//
// A [Cloud] is an http.Handler for the vendor API and hands out a second
// handler for tests ([Cloud.Admin]); the two must listen on different ports.
// All methods are safe for concurrent use; one mutex guards all state, and no
// goroutine outlives a call. What takes time at the cloud is kept as an
// effect with its due time and happens when somebody looks after that, so a
// fake clock needs no waiting. Money is int64 fen (1/100 yuan) inside.
package sim
