package main

import (
	"context"

	tagapi "github.com/jdcloud-api/jdcloud-sdk-go/services/resourcetag/apis"
	tags "github.com/jdcloud-api/jdcloud-sdk-go/services/resourcetag/models"

	"tradewind.example/sdk/fault"
)

// An address has no text of its own. The marks of its renewals are a tag's value,
// which the service of tags changes at any time.

const (
	// renewalKey is the tag that holds the marks of an address's renewals.
	renewalKey = "tradewind-renewals"
	// taggedAddress is how the service of tags calls addresses.
	taggedAddress = "ip"
)

// tagged is the answer of a change of tags: refusals stand inside a good one. The
// SDK's type has more that may break.
type tagged struct {
	Data struct {
		Failed []struct {
			Msg string `json:"msg"`
		} `json:"failedResourcesMap"`
	} `json:"data"`
}

// tagAddress gives an address a tag, and looks whether the cloud took it: what a
// second value of a key does is not documented.
func (c *cloud) tagAddress(ctx context.Context, id, key, value string) error {
	req := tagapi.NewTagResourcesRequest(c.region, &tags.TagResourcesReqVo{
		Resources: []tags.ResourcesMap{{ServiceCode: taggedAddress, ResourceId: []string{id}}},
		Tags:      []tags.Tag{{Key: key, Value: value}},
	})
	answer, err := write[tagged](ctx, c, serviceTag, req)
	if err != nil {
		return err
	}
	if failed := answer.Data.Failed; len(failed) > 0 {
		f := failure{secrets: c.secrets}
		return fault.Precondition("%s", f.clean(failed[0].Msg, "the cloud refused a tag")).Cloud(codePrecondition, "")
	}
	row, err := c.eip(ctx, id)
	switch {
	case err != nil:
		return err
	case tagIn(row.Tags, key) != value:
		return fault.Precondition("the cloud kept another value of the tag %q: remove it from the address", key).From(fault.SourceCloud)
	}
	return nil
}
