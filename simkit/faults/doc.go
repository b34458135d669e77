// Package faults decides which of the faults that a test switched on act on a
// call of a simulator, with one vocabulary for all simulators.
//
// It knows no vendor: what a kind answers on the wire, and the fields for that
// in a simulator's own Fault, are the simulator's. Nor does it wait or write;
// see package web. Nothing here is safe for concurrent use: the simulator
// guards its [Set] with the mutex of its state.
package faults
