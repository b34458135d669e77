package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// The paths of the services. The vendor has two hosts; the simulator tells
// the services apart by path alone.
const (
	pathECS     = "/ecs/v1"
	pathECS11   = "/ecs/v1.1"
	pathEBS     = "/ebs/v1"
	pathSG      = "/sg/v1"
	pathVPC     = "/vpc"
	pathGCW     = "/gcw"
	pathSubject = "/platform/subject"
)

// shape is how a service, or one action of it, words success and refusal.
type shape int

const (
	shapeMsg      shape = iota // Code, Msg, Data, RequestId
	shapeBare                  // Code, Msg, Data
	shapeBoth                  // Code, CodeMsg, Msg, Data
	shapeCode                  // code, CodeMsg, Message, Data, RequestId
	shapeCodeBare              // code, CodeMsg, Message, Data
	shapeMessage               // Code, Message, Data
	shapeSG                    // Code, Message, Data, RequestId
	shapeVPC                   // Code, Message, Data, TaskId
	shapeFlow                  // as vpc, but the code of success is OK
	shapeGCW                   // Code, Message, Data; refusals are HTTP 200 with a number
)

func shapeOf(service string) shape {
	switch service {
	case pathVPC:
		return shapeVPC
	case pathSG:
		return shapeSG
	case pathGCW:
		return shapeGCW
	default:
		return shapeMsg
	}
}

// head is what stands around the data of a call that was done.
func (s shape) head(id string) object {
	const done = "操作成功！"
	switch s {
	case shapeMsg:
		return object{"Code": "Success", "Msg": done, "RequestId": id}
	case shapeBare:
		return object{"Code": "Success", "Msg": done}
	case shapeBoth:
		return object{"Code": "Success", "CodeMsg": "success", "Msg": done}
	case shapeCode:
		return object{"code": "Success", "CodeMsg": "success", "Message": done, "RequestId": id}
	case shapeCodeBare:
		return object{"code": "Success", "CodeMsg": "success", "Message": done}
	case shapeSG:
		return object{"Code": "Success", "Message": "成功", "RequestId": id}
	case shapeFlow:
		return object{"Code": "OK", "Message": "success"}
	case shapeGCW:
		return object{"Code": "Success", "Message": ""}
	default:
		return object{"Code": "Success", "Message": "success"}
	}
}

// success is the body of a call that was done.
func (s shape) success(q *request, a answer) object {
	body := s.head(q.id)
	if !a.noData {
		body["Data"] = a.data
	}
	if a.task != "" && a.data == nil {
		body["Data"] = object{}
	}
	if a.task != "" {
		body["TaskId"] = a.task
	}
	if a.page != nil {
		body["PageNumber"], body["PageSize"], body["TotalCount"] = a.page.number, a.page.size, a.page.total
	}
	return body
}

// refusal is status and body of a call that was refused.
func (s shape) refusal(q *request, e *apiError, asString bool) (int, object) {
	switch s {
	case shapeMsg, shapeBare, shapeBoth:
		return e.status, object{"Code": e.code, "Msg": e.text, "RequestId": q.id}
	case shapeCode, shapeCodeBare:
		return e.status, object{"code": e.code, "CodeMsg": e.code, "Message": e.text, "RequestId": q.id}
	case shapeGCW:
		if n, err := strconv.Atoi(e.code); err == nil && !asString {
			return e.status, object{"Code": n, "Message": e.text, "Data": nil}
		}
		return e.status, object{"Code": e.code, "Message": e.text, "Data": nil}
	default:
		return e.status, object{"Code": e.code, "Message": e.text, "RequestId": q.id}
	}
}

// translate puts a refusal into the words of the service.
func translate(service, vpcNotFound string, e *apiError) *apiError {
	gone := strings.HasSuffix(e.code, ".NotFound")
	bad := e.code == codeMissing || e.code == codeParse || e.code == codeParameter
	switch {
	case service == pathGCW && gone:
		return refuse(http.StatusOK, "10006", "%s", e.text)
	case service == pathGCW && bad:
		return refuse(http.StatusOK, "10003", "%s", e.text)
	case service == pathVPC && gone:
		return refuse(http.StatusNotFound, vpcNotFound, "%s", e.text)
	case service == pathSG && gone:
		return refuse(http.StatusNotFound, codeNotFound, "%s", e.text)
	case (service == pathVPC || service == pathSG) && bad:
		return refuse(http.StatusBadRequest, codeParameter, "%s", e.text)
	default:
		return e
	}
}

// number is a decimal that an answer carries as a JSON number.
func number(text string) json.Number { return json.Number(text) }
