package sim

// at is the state and result of one pod of an order.
func (o *order) at(p *pod) (status, result int) {
	switch {
	case p.batch <= o.batch:
		return statusFinished, resultSuccess
	case o.status == statusFinished:
		return statusFinished, o.result
	default:
		return o.status, resultRunning
	}
}

// step names what an order does to a pod.
func (p *pod) step() (code, name string) {
	if p.goes {
		return "DeleteAppInstance", "删除应用实例"
	}
	return "StartAppInstance", "启动应用实例"
}

func stepStatus(status, result int) string {
	switch {
	case result == resultSuccess:
		return "SUCCESS"
	case status == statusFinished:
		return "FAIL"
	default:
		return "PROCESSING"
	}
}

func listPods(w *world, q *call) (answer, *refusal) {
	o, err := w.order(q)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(o.pods, func(p *pod) bool {
		status, result := o.at(p)
		return among(q.list("StatusList"), status) && among(q.list("ResultList"), result)
	}, o.podRow)
	return q.page("PageNumber", rows), nil
}

func (o *order) podRow(p *pod) answer {
	status, result := o.at(p)
	code, name := p.step()
	return answer{
		"AppInstanceId": p.inst.id, "DeployOrderId": o.id, "DeployPartitionNum": p.batch, "GroupName": "default",
		"HostIp": p.inst.hostIP, "HostName": p.inst.host, "PodIp": p.inst.podIP, "Region": o.env.region,
		"Result": result, "ResultName": resultName(result), "StartTime": o.start.Format(timeSeconds),
		"Status": status, "StatusName": statusName(status), "UpdateTime": p.change.Format(timeSeconds),
		"DeploySteps": []answer{{"Status": stepStatus(status, result), "StepCode": code, "StepName": name}},
	}
}

// pod returns the order and the pod of it that the call names.
func (w *world) pod(q *call) (*order, *pod, *refusal) {
	o, err := w.order(q)
	if err != nil {
		return nil, nil, err
	}
	p, ok := find(o.pods, func(p *pod) bool { return p.inst.id == q.str("AppInstId") })
	if !ok {
		return nil, nil, notFound("app instance", q.str("AppInstId"))
	}
	return o, p, nil
}

func describePodLog(w *world, q *call) (answer, *refusal) {
	o, p, err := w.pod(q)
	if err != nil {
		return nil, err
	}
	code, name := p.step()
	return answer{"Result": answer{
		"EnvTypeName": o.env.row()["EnvTypeName"], "DeployOrderName": o.name,
		"DeployStepList": []answer{{
			"StepName": name, "StepCode": code, "Status": stepStatus(o.at(p)),
			"StepLog": "pulling image\ncontainer created\ncontainer started\n",
		}},
	}}, nil
}

func describePodEvents(w *world, q *call) (answer, *refusal) {
	o, p, err := w.pod(q)
	if err != nil {
		return nil, err
	}
	event := func(reason, message string) answer {
		at := p.change.UTC().Format(timeMinutes)
		return answer{
			"Action": "", "Count": 1, "EventTime": at, "FirstTimestamp": at, "LastTimestamp": at,
			"Message": message, "Reason": reason, "Type": "Normal",
		}
	}
	return answer{"Result": answer{
		"DeployOrderName": o.name,
		"PodEvents":       []answer{event("Scheduled", "Successfully assigned "+p.inst.id), event("Started", "Started container")},
	}}, nil
}

func listAppInstance(w *world, q *call) (answer, *refusal) {
	e, err := w.environment(q, q.num("EnvId"))
	if err != nil {
		return nil, err
	}
	rows := rowsOf(e.instances, func(*instance) bool { return true }, func(i *instance) answer {
		return answer{
			"AppInstanceId": i.id, "CreateTime": i.created.Format(timeSeconds), "Spec": "1C2G", "RestartCount": 0,
			"HostIp": i.hostIP, "PodIp": i.podIP, "Health": "RUNNING", "Requests": `{"cpu":"500m","memory":"1Gi"}`,
			"Limits": `{"cpu":"1","memory":"2Gi"}`, "Version": i.version, "Status": "RUNNING",
		}
	})
	return q.page("PageNumber", rows), nil
}
