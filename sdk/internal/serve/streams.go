package serve

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"tradewind.example/sdk/provider"
	"tradewind.example/sdk/wire/convert"
	pb "tradewind.example/sdk/wire/providerv1"
)

// Bounds of one page on the wire.
const (
	pageRows  = 128
	pageBytes = 256 << 10
)

// pager collects rows into pages and sends them; it holds one page at a time.
type pager[Page any, Row proto.Message] struct {
	out   grpc.ServerStreamingServer[Page]
	page  func([]Row) *Page
	most  int // rows of a page
	rows  []Row
	bytes int
	err   error // the first failure; the stream is dead after it
}

func (p *pager[Page, Row]) add(row Row) error {
	if p.err != nil {
		return p.err
	}
	if p.err = p.out.Context().Err(); p.err != nil {
		return p.err
	}
	p.rows = append(p.rows, row)
	p.bytes += proto.Size(row)
	if len(p.rows) >= p.most || p.bytes >= pageBytes {
		return p.flush()
	}
	return nil
}

func (p *pager[Page, Row]) flush() error {
	if p.err != nil || len(p.rows) == 0 {
		return p.err
	}
	p.err = p.out.Send(p.page(p.rows))
	p.rows, p.bytes = nil, 0
	return p.err
}

// send streams what run yields, in pages of at most most rows. Rows yielded
// before an error are sent before it.
func send[Page any, Row proto.Message, In any](
	out grpc.ServerStreamingServer[Page], most int, page func([]Row) *Page, to func(In) Row,
	run func(yield func(In) error) error,
) error {
	p := &pager[Page, Row]{out: out, page: page, most: most}
	err := run(func(v In) error { return p.add(to(v)) })
	if flushed := p.flush(); err == nil {
		err = flushed
	}
	return err
}

// Offerings streams a provider.Offerer.
func (s *Server) Offerings(req *pb.OfferingsRequest, out grpc.ServerStreamingServer[pb.OfferingsResponse]) error {
	o, err := offered[provider.Offerer](s, provider.CapOfferings)
	if err != nil {
		return err
	}
	page := func(rows []*pb.Offering) *pb.OfferingsResponse { return &pb.OfferingsResponse{Offerings: rows} }
	return send(out, pageRows, page, convert.OfferingToWire, func(yield func(provider.Offering) error) error {
		return o.Offerings(out.Context(), convert.OfferingsRequestFromWire(req), yield)
	})
}

// List streams the kind's lister.
func (s *Server) List(req *pb.ListRequest, out grpc.ServerStreamingServer[pb.ListResponse]) error {
	k, err := s.kind(req.GetKind())
	if err != nil {
		return err
	}
	if k.List == nil {
		return k.verb(provider.VerbList)
	}
	page := func(rows []*pb.Resource) *pb.ListResponse { return &pb.ListResponse{Resources: rows} }
	return send(out, pageRows, page, row, func(yield func(provider.Resource) error) error {
		return k.List(out.Context(), convert.ListRequestFromWire(req), yield)
	})
}

// Import streams a provider.Importer.
func (s *Server) Import(req *pb.ImportRequest, out grpc.ServerStreamingServer[pb.ImportResponse]) error {
	i, err := offered[provider.Importer](s, provider.CapImport)
	if err != nil {
		return err
	}
	page := func(rows []*pb.Resource) *pb.ImportResponse { return &pb.ImportResponse{Resources: rows} }
	return send(out, pageRows, page, row, func(yield func(provider.Resource) error) error {
		return i.Import(out.Context(), convert.ImportRequestFromWire(req), yield)
	})
}

// VendorOrders streams a provider.VendorOrderer.
func (s *Server) VendorOrders(req *pb.VendorOrdersRequest, out grpc.ServerStreamingServer[pb.VendorOrdersResponse]) error {
	v, err := offered[provider.VendorOrderer](s, provider.CapVendorOrders)
	if err != nil {
		return err
	}
	page := func(rows []*pb.VendorOrder) *pb.VendorOrdersResponse { return &pb.VendorOrdersResponse{Orders: rows} }
	return send(out, pageRows, page, convert.VendorOrderToWire, func(yield func(provider.VendorOrder) error) error {
		return v.VendorOrders(out.Context(), convert.VendorOrdersRequestFromWire(req), yield)
	})
}

// BillLines streams a provider.Biller.
func (s *Server) BillLines(req *pb.BillLinesRequest, out grpc.ServerStreamingServer[pb.BillLinesResponse]) error {
	b, err := offered[provider.Biller](s, provider.CapBillLines)
	if err != nil {
		return err
	}
	page := func(rows []*pb.BillLine) *pb.BillLinesResponse { return &pb.BillLinesResponse{Lines: rows} }
	return send(out, pageRows, page, convert.BillLineToWire, func(yield func(provider.BillLine) error) error {
		return b.BillLines(out.Context(), convert.BillLinesRequestFromWire(req), yield)
	})
}

// Usage streams a provider.Metered.
func (s *Server) Usage(req *pb.UsageRequest, out grpc.ServerStreamingServer[pb.UsageResponse]) error {
	m, err := offered[provider.Metered](s, provider.CapUsage)
	if err != nil {
		return err
	}
	page := func(rows []*pb.UsageRecord) *pb.UsageResponse { return &pb.UsageResponse{Records: rows} }
	return send(out, pageRows, page, convert.UsageRecordToWire, func(yield func(provider.UsageRecord) error) error {
		return m.Usage(out.Context(), convert.UsageRequestFromWire(req), yield)
	})
}

// Events streams a provider.Eventer; each event leaves at once.
func (s *Server) Events(req *pb.EventsRequest, out grpc.ServerStreamingServer[pb.EventsResponse]) error {
	e, err := offered[provider.Eventer](s, provider.CapEvents)
	if err != nil {
		return err
	}
	page := func(rows []*pb.Event) *pb.EventsResponse { return &pb.EventsResponse{Events: rows} }
	return send(out, 1, page, convert.EventToWire, func(yield func(provider.Event) error) error {
		return e.Events(out.Context(), convert.EventsRequestFromWire(req), yield)
	})
}
