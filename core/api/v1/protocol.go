package v1

import (
	"context"
	"net/http"
	"time"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/money"
	"tradewind.example/core/pricing"
	"tradewind.example/core/protocol"
	"tradewind.example/core/store"
)

// Protocol is a sale protocol: the contract between a seller and a buyer.
type Protocol struct {
	ID          string     `json:"id"`
	Seller      string     `json:"seller"`
	Buyer       string     `json:"buyer"`
	Mode        string     `json:"mode" enum:"discount,rebate,floor"`
	Settle      string     `json:"settle" enum:"realtime,period"`
	Template    string     `json:"template" doc:"When statements are due: daily, weekly:D or monthly:D"`
	Salesperson string     `json:"salesperson,omitempty"`
	File        string     `json:"file,omitempty"`
	Start       time.Time  `json:"start"`
	End         *time.Time `json:"end,omitempty"`
	DefaultRate *string    `json:"default_rate,omitempty"`
	Created     time.Time  `json:"created"`
	Updated     time.Time  `json:"updated"`
	Warnings    []string   `json:"warnings,omitempty" doc:"Your own margins that would be negative"`
}

// Line is one priced product, class or default inside a protocol. Lines are an
// append-only timeline.
type Line struct {
	ID         string     `json:"id"`
	ProtocolID string     `json:"protocol_id"`
	ProductID  string     `json:"product_id,omitempty"`
	Class      string     `json:"class,omitempty"`
	Mode       string     `json:"mode" enum:"discount,rebate,floor"`
	Rate       *string    `json:"rate,omitempty"`
	Price      *string    `json:"price,omitempty" doc:"Of floor: per unit and period"`
	From       time.Time  `json:"from"`
	To         *time.Time `json:"to,omitempty"`
	Actor      string     `json:"actor,omitempty"`
	Created    time.Time  `json:"created"`
	Closed     string     `json:"closed,omitempty" doc:"The line that this one replaces"`
	Warnings   []string   `json:"warnings,omitempty" doc:"Your own margins that would be negative"`
}

type createProtocol struct {
	Body struct {
		Seller      string     `json:"seller,omitempty" maxLength:"64" doc:"Your own org when absent"`
		Buyer       string     `json:"buyer" minLength:"1" maxLength:"64"`
		Mode        string     `json:"mode" enum:"discount,rebate,floor"`
		Settle      string     `json:"settle" enum:"realtime,period"`
		Template    string     `json:"template,omitempty" maxLength:"20" example:"monthly:1"`
		Salesperson string     `json:"salesperson,omitempty" maxLength:"64"`
		File        string     `json:"file,omitempty" maxLength:"500"`
		Start       *time.Time `json:"start,omitempty" doc:"Now when absent"`
		End         *time.Time `json:"end,omitempty"`
		DefaultRate *string    `json:"default_rate,omitempty" maxLength:"32" doc:"Of discount and rebate"`
	}
}

// ProtocolTerms is the part of a protocol that may change.
type ProtocolTerms struct {
	Template    string     `json:"template,omitempty" maxLength:"20"`
	Salesperson string     `json:"salesperson,omitempty" maxLength:"64"`
	File        string     `json:"file,omitempty" maxLength:"500"`
	End         *time.Time `json:"end,omitempty" nullable:"true"`
}

type updateProtocol struct {
	ByID
	api.IfMatch
	api.Changes
	Body ProtocolTerms
}

type listProtocols struct {
	api.Paging
	OrgID string    `query:"org_id" maxLength:"64" doc:"As seller or buyer; your own org when absent"`
	Other string    `query:"other" maxLength:"64" doc:"The org on the other side"`
	Mode  string    `query:"mode" enum:"discount,rebate,floor"`
	At    time.Time `query:"at" doc:"In force at this instant"`
}

type createLine struct {
	ByID
	Body struct {
		ProductID string     `json:"product_id,omitempty" maxLength:"64" doc:"At most one of product and class; neither: the default"`
		Class     string     `json:"class,omitempty" maxLength:"200"`
		Rate      *string    `json:"rate,omitempty" maxLength:"32" doc:"Of discount and rebate"`
		Price     *string    `json:"price,omitempty" maxLength:"32" doc:"Of floor: per unit and period"`
		From      *time.Time `json:"from,omitempty" doc:"Now when absent"`
		To        *time.Time `json:"to,omitempty"`
	}
}

type closeLine struct {
	ByID
	api.IfMatch
	Line string `path:"line" minLength:"1" maxLength:"64"`
	Body struct {
		At *time.Time `json:"at,omitempty" doc:"Now when absent"`
	}
}

type listLines struct {
	ByID
	api.Paging
	ProductID string `query:"product_id" maxLength:"64" doc:"Those that name this product"`
}

func bindProtocols(s *api.Server, svc Services) {
	const tag = "Protocols"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/protocols", ID: "create-protocol", Tag: tag, Status: http.StatusCreated,
		Summary: "Agree on terms with a buyer", Detail: "One active protocol per seller, buyer and sale mode; a clash is refused and named.",
	}, func(ctx context.Context, c access.Caller, in *createProtocol) (*Versioned[Protocol], error) {
		rate, err := decimal("default_rate", in.Body.DefaultRate)
		if err != nil {
			return nil, err
		}
		saved, err := svc.Protocols.Create(ctx, c, protocol.CreateInput{
			Seller: orOwn(in.Body.Seller, c), Buyer: in.Body.Buyer, Mode: pricing.Mode(in.Body.Mode), Settle: pricing.SettleMode(in.Body.Settle),
			Template: in.Body.Template, Salesperson: in.Body.Salesperson, File: in.Body.File,
			Start: moment(in.Body.Start), End: moment(in.Body.End), DefaultRate: rate,
		})
		return protocolAnswer(saved.Doc, saved.Warnings, err)
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/protocols", ID: "list-protocols", Sort: []string{"created", "start"}, Order: "-created", Tag: tag, Summary: "List protocols",
	}, func(ctx context.Context, c access.Caller, in *listProtocols) (*api.ListOut[Protocol], error) {
		p, err := svc.Protocols.List(ctx, c, protocol.ListQuery{Org: in.OrgID, Other: in.Other, Mode: pricing.Mode(in.Mode), At: in.At, Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), OldestFirst: !in.Down()})
		if err != nil {
			return nil, err
		}
		return listDocs(p, protocolOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/protocols/{id}", ID: "get-protocol", Tag: tag, Summary: "Read a protocol",
	}, func(ctx context.Context, c access.Caller, in *ByID) (*Versioned[Protocol], error) {
		d, err := svc.Protocols.Get(ctx, c, in.ID)
		return protocolAnswer(d, nil, err)
	})
	api.Handle(s, api.Route{
		Method: http.MethodPut, Path: "/v1/protocols/{id}", ID: "update-protocol", Tag: tag, Summary: "Change or end a protocol", Detail: api.Stays,
	}, func(ctx context.Context, c access.Caller, in *updateProtocol) (*Versioned[Protocol], error) {
		saved, err := changed(in.IfMatch, func() (protocol.Saved, uint64, error) {
			d, err := svc.Protocols.Get(ctx, c, in.ID)
			return protocol.Saved{Doc: d}, d.Rev, err
		}, func(there protocol.Saved, rev uint64) (protocol.Saved, error) {
			p := there.Value
			t := api.Over(in.Changes, ProtocolTerms{Template: p.Template, Salesperson: p.Salesperson, File: p.File, End: when(p.End)}, in.Body)
			return svc.Protocols.Update(ctx, c, protocol.UpdateInput{
				ID: in.ID, Rev: rev, Template: t.Template, Salesperson: t.Salesperson, File: t.File, End: moment(t.End),
			})
		})
		return protocolAnswer(saved.Doc, saved.Warnings, err)
	})
	bindLines(s, svc)
}

func bindLines(s *api.Server, svc Services) {
	const tag = "Protocols"
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/protocols/{id}/lines", ID: "create-line", Tag: tag, Status: http.StatusCreated,
		Summary: "Add a price line", Detail: "Changing a price adds a line and closes the one before it at its start; orders keep the line they were priced with.",
	}, func(ctx context.Context, c access.Caller, in *createLine) (*Versioned[Line], error) {
		rate, err := decimal("rate", in.Body.Rate)
		if err != nil {
			return nil, err
		}
		price, err := decimal("price", in.Body.Price)
		if err != nil {
			return nil, err
		}
		saved, err := svc.Protocols.AddLine(ctx, c, protocol.LineInput{
			ProtocolID: in.ID, ProductID: in.Body.ProductID, Class: in.Body.Class, Rate: rate, Price: price,
			From: moment(in.Body.From), To: moment(in.Body.To),
		})
		if err != nil {
			return nil, err
		}
		out := lineOf(saved.Value)
		out.Closed, out.Warnings = saved.Closed, warningTexts(saved.Warnings)
		return &Versioned[Line]{ETag: api.ETag(saved.Rev), Body: out}, nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/protocols/{id}/lines", ID: "list-lines", Sort: []string{"created", "from"}, Order: "created", Tag: tag, Summary: "List the price lines of a protocol",
	}, func(ctx context.Context, c access.Caller, in *listLines) (*api.ListOut[Line], error) {
		p, err := svc.Protocols.ListLines(ctx, c, protocol.LinesQuery{ProtocolID: in.ID, ProductID: in.ProductID, Cursor: in.Cursor, Limit: in.Limit, Sort: in.By(), Reverse: in.Down()})
		if err != nil {
			return nil, err
		}
		return listDocs(p, lineOf), nil
	})
	api.Handle(s, api.Route{
		Method: http.MethodPost, Path: "/v1/protocols/{id}/lines/{line}/close", ID: "close-line", Tag: tag, Summary: "End a price line",
	}, func(ctx context.Context, c access.Caller, in *closeLine) (*Versioned[Line], error) {
		rev, err := in.Revision()
		if err != nil {
			return nil, err
		}
		d, err := svc.Protocols.CloseLine(ctx, c, protocol.CloseLineInput{ProtocolID: in.ID, ID: in.Line, Rev: rev, At: moment(in.Body.At)})
		if err != nil {
			return nil, err
		}
		return &Versioned[Line]{ETag: api.ETag(d.Rev), Body: lineOf(d.Value)}, nil
	})
}

func protocolAnswer(d store.Doc[protocol.Protocol], w []protocol.Warning, err error) (*Versioned[Protocol], error) {
	if err != nil {
		return nil, err
	}
	out := protocolOf(d.Value)
	out.Warnings = warningTexts(w)
	return &Versioned[Protocol]{ETag: api.ETag(d.Rev), Body: out}, nil
}

func protocolOf(p protocol.Protocol) Protocol {
	return Protocol{
		ID: p.ID, Seller: p.Seller, Buyer: p.Buyer, Mode: string(p.Mode), Settle: string(p.Settle), Template: p.Template,
		Salesperson: p.Salesperson, File: p.File, Start: p.Start, End: when(p.End), DefaultRate: decimalText(p.DefaultRate),
		Created: p.Created, Updated: p.Updated,
	}
}

func lineOf(l protocol.Line) Line {
	return Line{
		ID: l.ID, ProtocolID: l.ProtocolID, ProductID: l.ProductID, Class: l.Class, Mode: string(l.Mode), Rate: decimalText(l.Rate),
		Price: decimalText(l.Price), From: l.From, To: when(l.To), Actor: l.Actor, Created: l.Created,
	}
}

func warningTexts(ws []protocol.Warning) []string {
	out := make([]string, 0, len(ws))
	for range ws {
		out = append(out, "at this price your own margin is negative")
	}
	return out
}

// decimal reads an optional exact decimal of a request.
func decimal(path string, s *string) (*money.Decimal, error) {
	if s == nil {
		return nil, nil
	}
	d, err := money.ParseDecimal(*s)
	if err != nil {
		return nil, wrongField("body."+path, err)
	}
	return &d, nil
}
