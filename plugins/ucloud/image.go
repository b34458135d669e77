package main

import (
	"context"

	"github.com/ucloud/ucloud-sdk-go/services/uhost"
	"github.com/ucloud/ucloud-sdk-go/ucloud/response"

	"tradewind.example/sdk/fault"
	"tradewind.example/sdk/page"
)

// image is what is used of the cloud's image rows.
type image struct {
	ID       string   `json:"ImageId"`
	Name     string   `json:"ImageName"`
	OSType   string   `json:"OsType"`
	OSName   string   `json:"OsName"`
	Function string   `json:"FuncType"`
	State    string   `json:"State"`
	SizeGB   int      `json:"ImageSize"`
	GPUTypes []string `json:"SupportedGPUTypes"`
}

func (i image) sellable() bool { return i.State == "Available" }

// maxImagePages bounds the list of images, which is held as a whole.
const maxImagePages = 50

// allImages returns the cloud's own images of the region, each once.
func (c *cloud) allImages(ctx context.Context) ([]image, error) {
	var out []image
	seen := map[string]bool{}
	key := func(i image) string { return i.ID }
	err := page.ByOffset(ctx, page.Options{Size: pageSize, MaxPages: maxImagePages}, c.imagePage, key, func(i image) error {
		if !seen[i.ID] {
			seen[i.ID] = true
			out = append(out, i)
		}
		return nil
	})
	return out, err
}

// imagePage reads one page. The SDK's typed call drops refusals, so the generic
// one is used.
func (c *cloud) imagePage(ctx context.Context, offset, limit int) ([]image, int, error) {
	answer, err := read(ctx, c, uhost.NewClient, func(k hostClient) (response.GenericResponse, error) {
		r := k.NewGenericRequest()
		err := r.SetPayload(map[string]any{
			"Action": "DescribeImage", "Region": c.region, "ImageType": "Base", "Offset": offset, "Limit": limit,
		})
		if err != nil {
			return nil, err
		}
		return k.GenericInvoke(r)
	})
	if err != nil {
		return nil, 0, err
	}
	var out struct {
		TotalCount int
		ImageSet   []image
	}
	if err := answer.Unmarshal(&out); err != nil {
		return nil, 0, fault.Unavailable("the cloud's list of images cannot be read").Cloud("", answer.GetRequestUUID()).With(err)
	}
	return out.ImageSet, out.TotalCount, nil
}
