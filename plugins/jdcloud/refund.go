package main

import (
	"context"
	"encoding/json"

	refundapi "github.com/jdcloud-api/jdcloud-sdk-go/services/refund/apis"
	refund "github.com/jdcloud-api/jdcloud-sdk-go/services/refund/models"

	"tradewind.example/sdk/fault"
)

// refundAnswer is the result of a refund: a second frame with refusals of its
// own inside a good answer.
type refundAnswer struct {
	Success bool            `json:"success"`
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
}

// refund gives a prepaid resource back, which also ends it.
func (c *cloud) refund(ctx context.Context, id string) error {
	req := refundapi.NewSubmitResourceRefundRequestWithoutParam()
	req.SetRegionId(c.region)
	req.SetJsonBody(&refund.ResourceRefundReq{ResourceId: id})
	answer, err := write[refundAnswer](ctx, c, serviceRefund, req)
	if err != nil || answer.Success {
		return err
	}
	f := failure{secrets: c.secrets}
	message := f.clean(answer.Message, "the cloud refused the refund")
	switch code := string(answer.Code); code {
	case "404", `"404"`:
		return fault.New(fault.ClassNotFound, "%s", message).Cloud("NOT_FOUND", "")
	case "", "null":
		return fault.Unknown(nil, "the cloud did not say what became of the refund").From(fault.SourceCloud)
	default:
		return fault.Precondition("%s", message).Cloud(codePrecondition, "")
	}
}
