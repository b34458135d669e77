package sim

import (
	"slices"
	"strconv"
	"time"
)

func statusName(n int) string {
	return map[int]string{statusRunning: "部署中", statusPaused: "已暂停", statusFinished: "已结束"}[n]
}

func resultName(n int) string {
	return map[int]string{resultRunning: "部署中", resultSuccess: "成功", resultFailed: "失败", resultFailedByMan: "人工失败"}[n]
}

func pauseName(s string) string {
	return map[string]string{"first": "第一批暂停", "each": "每批暂停", "none": "不暂停"}[s]
}

func (o *order) row(now time.Time) answer {
	end, until := "", now
	if o.status == statusFinished {
		end, until = o.end.UTC().Format(timeMinutes), o.end
	}
	finished := 0
	for _, p := range o.pods {
		if p.batch <= o.batch {
			finished++
		}
	}
	rate := "0"
	if o.result == resultFailed {
		rate = "1"
	}
	return answer{
		"AppInstanceType": "pod", "CurrentPartitionNum": min(o.batch+1, o.partitions), "DeployOrderId": o.id,
		"DeployPauseType": o.pause, "DeployPauseTypeName": pauseName(o.pause), "DeployType": "partition_parallel",
		"DeployTypeName": "分批发布", "Description": o.description, "ElapsedTime": int64(until.Sub(o.start).Seconds()),
		"EndTime": end, "EnvId": o.env.id, "EnvType": o.env.typeName(), "FailureRate": rate, "FinishAppInstanceCt": finished,
		"Name": o.name, "PartitionType": "group_even", "PartitionTypeName": "均分", "Result": o.result,
		"ResultName": resultName(o.result), "SchemaId": o.schema, "StartTime": o.start.UTC().Format(timeMinutes),
		"Status": o.status, "StatusName": statusName(o.status), "TotalAppInstanceCt": len(o.pods),
		"TotalPartitions": o.partitions, "UserId": "user-1", "UserNick": "operator",
	}
}

func listDeployOrders(w *world, q *call) (answer, *refusal) {
	a, err := w.app(q)
	if err != nil {
		return nil, err
	}
	limits, err := timeLimits(q)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(w.orders, func(o *order) bool {
		return o.env.app == a && o.matches(q) && limits(o)
	}, func(o *order) answer { return o.row(w.now) })
	slices.Reverse(rows)
	return q.page("PageNumber", rows), nil
}

func (o *order) matches(q *call) bool {
	return q.keepsNum("EnvId", o.env.id) && q.keeps("EnvType", o.env.typeName()) && q.keeps("PauseType", o.pause) &&
		q.keeps("DeployCategory", o.category) && q.keepsNum("Status", int64(o.status)) &&
		among(q.list("StatusList"), o.status) && among(q.list("ResultList"), o.result)
}

// among tells whether a list that may be empty lets a number pass.
func among(list []string, n int) bool {
	return len(list) == 0 || slices.Contains(list, strconv.Itoa(n))
}

// timeLimits reads the eight filters by time, written in UTC.
func timeLimits(q *call) (func(*order) bool, *refusal) {
	tests := map[string]func(int) bool{
		"LessThan": func(n int) bool { return n < 0 }, "LessThanOrEqualTo": func(n int) bool { return n <= 0 },
		"GreaterThan": func(n int) bool { return n > 0 }, "GreaterThanOrEqualTo": func(n int) bool { return n >= 0 },
	}
	var all []func(*order) bool
	for suffix, test := range tests {
		for _, field := range []string{"StartTime", "EndTime"} {
			v := q.str(field + suffix)
			if v == "" {
				continue
			}
			limit, err := time.Parse(timeSpaced, v)
			if err != nil {
				return nil, invalid(field + suffix)
			}
			all = append(all, func(o *order) bool {
				if field == "StartTime" {
					return test(o.start.Compare(limit))
				}
				return o.status == statusFinished && test(o.end.Compare(limit))
			})
		}
	}
	return func(o *order) bool {
		return !slices.ContainsFunc(all, func(keep func(*order) bool) bool { return !keep(o) })
	}, nil
}
