package main

import (
	"context"

	pb "tradewind.example/sdk/wire/providerv1"
)

// differentManifest says at run time that it is another version than its
// manifest says.
func differentManifest() { serve(different{}) }

type different struct{ cloud }

// Describe tells of another version.
func (different) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return description("6.6.6"), nil
}
