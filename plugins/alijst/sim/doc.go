// Package sim imitates Alibaba Cloud's JST (product retailcloud), ECS
// DescribeRegions and an assumed sign-in of a distributor on the wire, with
// state, so that a client can be proved against refusals and lost answers
// without a cloud account.
//
// It is written from the vendor's published facts only and shares no code
// with the vendor's SDK or with the plugin: a mistake in a client cannot hide
// behind the same mistake here. It runs no containers, and what the documents
// do not say is listed in README.md as a choice.
//
// A [Cloud] is an http.Handler for the vendor API and hands out one for tests
// ([Cloud.Admin]) and one for the sign-in ([Cloud.SignIn]); the three must
// listen on different ports. All methods are safe for concurrent use; one
// mutex guards all state, and no goroutine outlives a call. Asynchronous work
// advances by comparing due times with the clock when somebody looks, so a
// fake clock needs no waiting.
package sim
