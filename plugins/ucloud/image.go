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
	Zone, ImageId, ImageName, OsType, OsName, ImageType, FuncType, State string //nolint:revive // the cloud's spelling
	ImageSize                                                            int
	SupportedGPUTypes                                                    []string
}

func (i image) sellable() bool { return i.State == "Available" }

// images streams the images of the cloud's region. The SDK's typed call drops
// refusals, so the generic one is used.
func (c *cloud) images(ctx context.Context, yield func(image) error) error {
	fetch := func(ctx context.Context, offset, limit int) ([]image, int, error) {
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
			return nil, 0, fault.Unavailable("the cloud's list of images cannot be read").Cloud("", answer.GetRequestUUID())
		}
		return out.ImageSet, out.TotalCount, nil
	}
	return page.ByOffset(ctx, page.Options{Size: pageSize}, fetch, func(i image) string { return i.Zone + "/" + i.ImageId }, yield)
}
