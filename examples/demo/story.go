package main

// step is one call of the story and what must come of it.
type step struct {
	clock  string // when it happens, in the story
	say    string
	do     func(*stage) error // in place of, or before, a call
	method string
	path   string
	body   string
	status int
	want   []want
}

// want is one webhook that a step causes.
type want struct {
	to      string // the receiver
	scope   string
	subject string // resource, id and sequence
	changes string // as receiver.Event.Changes tells them, joined by commas
	has     string // what the entity in it must contain, as bytes
}

const project = "/api/projects/1001"

// story is a quarter of an hour in a small company: what its people do in
// their own software, and what the software of others is told of it. No two
// people write to one entity at once, so every expectation is exact.
var story = []step{
	{
		clock: "09:00", say: "Mara opens a project.",
		method: "POST", path: "/api/projects", status: 201,
		body: `{"name":"Roof","owner":{"id":7,"name":"Mara Lind"},"budget":{"amount":15000.00},"tags":["steel"]}`,
		want: []want{{"crm", "project.created", "project 1001 #1", "", `"amount":15000.00`}},
	},
	{
		clock: "09:01", say: "Two things are to be done in it.",
		method: "POST", path: project + "/tasks", status: 201,
		body: `{"title":"Order steel","assignee":{"id":8,"name":"Ole Brandt"}}`,
		want: []want{{"crm", "task.created", "task 1 #1", "", ""}},
	},
	{
		clock: "09:01", method: "POST", path: project + "/tasks", status: 201,
		body: `{"title":"Rent a crane","due_date":"2026-04-01"}`,
		want: []want{{"crm", "task.created", "task 2 #1", "", ""}},
	},
	{
		clock: "09:02", say: "A contact at the customer. Only billing asked for contacts.",
		method: "POST", path: "/api/contacts", status: 201,
		body: `{"name":"Ida Holm","email":"ida@holm.example","company":"Holm & Sons"}`,
		want: []want{{"billing", "contact.created", "contact 501 #1", "", ""}},
	},
	{
		clock: "09:03", say: "The project starts. One call, two scopes, both with the old value.",
		method: "PATCH", path: project, status: 200, body: `{"status":"active"}`,
		want: []want{
			{"crm", "project.updated", "project 1001 #2", "status: planned → active", ""},
			{"crm", "project.status.updated", "project 1001 #2", "status: planned → active", ""},
		},
	},
	{
		clock: "09:04", say: "Somebody presses Save again. Nothing changed, so nobody is told.",
		method: "PATCH", path: project, status: 200, body: `{"status":"active"}`,
	},
	{
		clock: "09:05", say: "The API refuses a call. Nothing happened, so nobody is told.",
		method: "DELETE", path: project, status: 409,
	},
	{
		clock: "09:06", say: "Billing's receiver goes down. What it is owed waits, and is tried again.",
		do: func(s *stage) error { s.setDown("billing", true); return nil },
	},
	{
		clock: "09:06", say: "A phone number. The API answers 204 and no entity: Sidehook looks for itself.",
		method: "PATCH", path: "/api/contacts/501", status: 204, body: `{"phone":"+45 20 30 40 50"}`,
		want: []want{{"billing", "contact.updated", "contact 501 #2", "phone: – → +45 20 30 40 50", ""}},
	},
	{
		clock: "09:08", say: "A task is done. crm hears of it at once, whatever billing does.",
		method: "PATCH", path: "/api/tasks/1", status: 200, body: `{"status":"done"}`,
		want: []want{
			{"crm", "task.updated", "task 1 #2", "status: open → done", ""},
			{"crm", "task.completed", "task 1 #2", "status: open → done", ""},
			{"billing", "task.completed", "task 1 #2", "status: open → done", ""},
		},
	},
	{
		clock: "09:10", say: "An invoice is booked, and the budget is crossed.",
		method: "PATCH", path: project, status: 200, body: `{"budget":{"spent":16200.00}}`,
		want: []want{
			{"crm", "project.updated", "project 1001 #3", overBudget, ""},
			{"crm", "project.over_budget", "project 1001 #3", overBudget, ""},
			{"billing", "project.over_budget", "project 1001 #3", overBudget, ""},
		},
	},
	{
		clock: "09:11", say: "Billing is up again, and gets what it is owed.",
		do: func(s *stage) error { return s.recover("billing", 5) },
	},
	{
		clock: "09:12", say: "Another client writes the whole project with PUT.",
		method: "PUT", path: project, status: 200,
		body: `{"name":"Roof, hall 2","status":"active","owner":{"id":9,"name":"Jon Ek"},` +
			`"budget":{"amount":15000.00,"spent":16200.00,"currency":"EUR"},"tags":["steel","urgent"]}`,
		want: []want{{
			"crm", "project.updated", "project 1001 #4",
			`name: Roof → Roof, hall 2, owner.id: 7 → 9, owner.name: Mara Lind → Jon Ek, tags: ["steel"] → ["steel","urgent"]`, "",
		}},
	},
	{
		clock: "09:13", say: "The crane is not needed. The webhook carries what the task was.",
		method: "DELETE", path: "/api/tasks/2", status: 204,
		want: []want{{"crm", "task.deleted", "task 2 #2", "", `"title":"Rent a crane","status":"open"`}},
	},
	{
		clock: "09:14", say: "The project is deleted, and so is the contact.",
		method: "DELETE", path: project, status: 204,
		want: []want{{"crm", "project.deleted", "project 1001 #5", "", `"name":"Roof, hall 2","status":"active"`}},
	},
	{
		clock: "09:15", method: "DELETE", path: "/api/contacts/501", status: 204,
		want: []want{{"billing", "contact.deleted", "contact 501 #3", "", `"phone":"+45 20 30 40 50"`}},
	},
}

const overBudget = "budget.spent: 0.00 → 16200.00, budget.used_percent: 0 → 108"
