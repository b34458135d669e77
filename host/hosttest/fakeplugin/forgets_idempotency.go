package main

import (
	"context"
	"os"

	"tradewind.example/sdk"
	"tradewind.example/sdk/provider"
)

// forgetsIdempotency makes a new note in every create, whatever its token, and
// ends before it answers when the note's text is "die".
func forgetsIdempotency() { sdk.Serve(&forgetful{}) }

type forgetful struct{ fake }

// Kinds offers the notes.
func (*forgetful) Kinds() []*provider.Kind {
	return []*provider.Kind{provider.KindOf[note, note]("note", "Note", forgetfulNotes{})}
}

type forgetfulNotes struct{}

// Create makes one note more.
func (forgetfulNotes) Create(_ context.Context, req provider.TypedCreate[note]) (provider.Result[note], error) {
	sdk.Logger().Info("made one more", "for_token", req.Token)
	if req.Spec.Text == "die" {
		os.Exit(6)
	}
	return provider.Done(provider.Thing[note]{ID: "n1", Name: req.Name, Status: provider.StatusRunning, State: req.Spec}), nil
}
