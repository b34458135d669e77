// Package sdk turns a provider.Provider into a Tradewind plugin: a program
// that the broker starts and talks to. It holds the one call for an author's
// main and the logger that goes with it; everything an author implements is in
// package provider, and what else may help is in the packages beside it:
//
//   - fault: the errors that tell the broker what to do
//   - secret: texts that cannot be printed
//   - schema: JSON Schema from struct tags
//   - cloudhttp, page, retry, wait: talking to a cloud's API
//   - clock: time that a test can own
//   - redact: keeping secrets out of logs
//   - plugintest: the plugin in a test, behind the real protocol
//   - conformance: the suite that every plugin must pass
//   - fakecloud, recorder: a cloud in memory, and recordings of a real one
//
// Importing this package takes standard output away from the process when a
// host started it; see [Serve].
package sdk
