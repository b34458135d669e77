package main

import (
	"context"
	"strings"

	"tradewind.example/sdk/handshake"
	pb "tradewind.example/sdk/wire/providerv1"
)

// hugeAnswer answers every request for regions with more than one message may hold.
func hugeAnswer() { serve(huge{}) }

type huge struct{ cloud }

// Regions answers with too much.
func (huge) Regions(context.Context, *pb.RegionsRequest) (*pb.RegionsResponse, error) {
	return &pb.RegionsResponse{Regions: []*pb.Region{{Id: "one", Name: strings.Repeat("n", 2*handshake.MaxMessageBytes)}}}, nil
}
