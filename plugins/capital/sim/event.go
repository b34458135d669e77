package sim

import (
	"slices"
	"time"
)

// maxChanges bounds the events, and the tasks, that an account is told of;
// the oldest are forgotten.
const maxChanges = 20000

// event is a change of ecs or ebs that takes time; its parts are one per resource.
type event struct {
	id      string
	service string // pathECS or pathEBS
	kind    eventKind
	created time.Time
	due     time.Time
	parts   []part
}

// part is what an event does to one resource.
type part struct {
	id, resource string
	failed       bool
}

// eventKind names what an event does.
type eventKind struct{ code, display string }

var (
	eventCreate   = eventKind{"create_ecs", "创建云服务器"}
	eventStart    = eventKind{"start_up_ecs", "开机"}
	eventStop     = eventKind{"shutdown_ecs", "关机"}
	eventHardStop = eventKind{"hard_shutdown_ecs", "强制关机"}
	eventFreeStop = eventKind{"free_shutdown_ecs", "关机不计费"}
	eventRestart  = eventKind{"restart_ecs", "重启"}
	eventDelete   = eventKind{"delete_ecs", "删除云服务器"}
	eventPassword = eventKind{"modify_password", "重置密码"}
	eventResize   = eventKind{"change_configure", "更改规格"}
	eventImage    = eventKind{"create_image", "创建镜像"}
	eventNoImage  = eventKind{"delete_image", "删除镜像"}
	eventSync     = eventKind{"sync_image", "同步镜像"}
	eventDisk     = eventKind{"create_disk", "创建云盘"}
	eventNoDisk   = eventKind{"delete_disk", "删除云盘"}
	eventMount    = eventKind{"mount_disk", "挂载云盘"}
	eventUnmount  = eventKind{"unmount_disk", "卸载云盘"}
	eventExtend   = eventKind{"extend_disk", "扩容云盘"}
)

// newEvent sets an event going; bad tells by place which resources fail.
func (c *Cloud) newEvent(q *request, k eventKind, due time.Time, resources []string, bad func(int) bool) *event {
	e := &event{id: c.newUUID(), service: q.service, kind: k, created: c.at, due: due}
	if q.service == pathECS11 {
		e.service = pathECS
	}
	for i, r := range resources {
		e.parts = append(e.parts, part{c.newUUID(), r, bad(i)})
	}
	q.acct.events.add(e.id, e)
	q.acct.events.forget(maxChanges)
	if len(resources) > 0 {
		q.subject = resources[0]
	}
	return e
}

// taskFails is the bad of an event whose call a fault struck.
func (q *request) taskFails(int) bool { return q.fails == KindTaskFail }

// whole is the state of an event or task at a time.
func whole(created, due, now time.Time, parts, failed int) (word, display string) {
	switch {
	case now.Before(due) && now.Sub(created) < due.Sub(now):
		return "init", "初始化"
	case now.Before(due):
		return "doing", "执行中"
	case failed == 0:
		return "success", "成功"
	case failed == parts:
		return "error", "错误"
	default:
		return "part_fail", "部分失败"
	}
}

func (e *event) failed() int {
	n := 0
	for _, p := range e.parts {
		if p.failed {
			n++
		}
	}
	return n
}

func describeEvent(_ *Cloud, q *request) (answer, *apiError) {
	id := q.need("EventId")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	e := q.acct.events.get(id)
	if e == nil || e.service != q.service {
		return answer{}, refuse(404, "InvalidEvent.NotFound", "the event %q does not exist", id)
	}
	word, display := whole(e.created, e.due, q.now, len(e.parts), e.failed())
	tasks := []object{}
	for _, p := range e.parts {
		tasks = append(tasks, e.task(p, q.now))
	}
	return answer{data: object{
		"EventId": e.id, "EventStatus": word, "EventStatusDisplay": display, "EventType": e.kind.code,
		"EventTypeDisplay": e.kind.display, "CreateTime": clock(e.created), "TaskList": tasks,
	}}, nil
}

func (e *event) task(p part, now time.Time) object {
	failed := 0
	if p.failed {
		failed = 1
	}
	word, display := whole(e.created, e.due, now, 1, failed)
	end, update := "", clock(e.created)
	if !now.Before(e.due) {
		end, update = clock(e.due), clock(e.due)
	}
	sort, sortDisplay := "ecs", "云服务器"
	switch {
	case e.service == pathEBS:
		sort, sortDisplay = "disk", "云盘"
	case slices.Contains([]eventKind{eventImage, eventNoImage, eventSync}, e.kind):
		sort, sortDisplay = "image", "镜像"
	}
	return object{
		"TaskId": p.id, "Status": word, "StatusDisplay": display, "ResourceId": p.resource, "CreateTime": clock(e.created),
		"UpdateTime": update, "EndTime": end, "ResourceType": sort, "ResourceDisplay": sortDisplay,
		"TaskType": e.kind.code, "TaskTypeDisplay": e.kind.display,
	}
}

// task is a change of the vpc service that takes time.
type task struct {
	id, resource string
	created, due time.Time
	failed       bool
}

// newTask sets a change of one resource going: done happens when it is due,
// undone instead when a fault struck the call. Either may be nil.
func (c *Cloud) newTask(q *request, resource string, done, undone func()) string {
	t := &task{id: c.newUUID(), resource: resource, created: c.at, due: c.due(), failed: q.taskFails(0)}
	q.acct.tasks.add(t.id, t)
	q.acct.tasks.forget(maxChanges)
	q.subject = resource
	run := done
	if t.failed {
		run = undone
	}
	if run != nil {
		c.later(t.due, run)
	}
	return t.id
}

func describeTask(_ *Cloud, q *request) (answer, *apiError) {
	id := q.need("TaskId")
	if err := q.err(); err != nil {
		return answer{}, err
	}
	t := q.acct.tasks.get(id)
	if t == nil {
		return answer{}, noResource("TaskId", id)
	}
	failed := 0
	if t.failed {
		failed = 1
	}
	word, _ := whole(t.created, t.due, q.now, 1, failed)
	return answer{task: t.id, data: object{"TaskStatus": word, "ResourceId": t.resource}}, nil
}
