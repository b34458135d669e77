package v1

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tradewind.example/core/access"
	"tradewind.example/core/api"
	"tradewind.example/core/store"
)

// longestBackup bounds a download of the whole store.
const longestBackup = time.Hour

func bindBackup(s *api.Server, svc Services) {
	api.Handle(s, api.Route{
		Method: http.MethodGet, Path: "/v1/backup", ID: "backup", Tag: "System", Summary: "Download a consistent copy of the store",
		Detail: "Taken online. It holds everything but the keys of stored secrets, of every root: for whoever runs the broker alone.",
	}, func(ctx context.Context, c access.Caller, _ *struct{}) (*huma.StreamResponse, error) {
		err := svc.Store.View(ctx, func(r store.Reader) error {
			return svc.Access.Check(r, c, access.SystemBackup, access.Target{OrgID: c.RootID, Thing: "backup", Unnamed: true})
		})
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			hc.SetHeader("Content-Type", "application/octet-stream")
			hc.SetHeader("Content-Disposition", `attachment; filename="tradewind.backup"`)
			s.Download(hc, longestBackup, func(ctx context.Context, w io.Writer) error {
				_, err := svc.Store.Backup(ctx, w)
				return err
			})
		}}, nil
	})
}
