package hosts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// LoopBack's Todo application answers a create with 200, every other write with
// an empty 204.
func TestLoopBack(t *testing.T) {
	only(t, "loopback")
	s, a := startLoopBack(t), account{}
	past, anna, ole := watch(s.direct(), a, s.todos), watch(s.client(), a, s.todos), watch(s.client("X-Client", "ole"), a, s.todos)
	past.past = true

	past.does(200, "POST", "/todos", `{"title":"old"}`)
	past.does(200, "POST", "/todos", `{"title":"older"}`)

	anna.does(200, "POST", "/todos", `{"title":"Order steel","desc":"of the usual kind"}`)
	anna.does(422, "POST", "/todos", `{"desc":"no title"}`)
	anna.does(422, "POST", "/todos", `{"id":9,"title":"an id given"}`)
	anna.does(204, "PATCH", "/todos/3", `{"tag":{"colour":"red","n":1}}`)
	anna.does(204, "PATCH", "/todos/3", `{"title":"Order steel"}`) // nothing new
	anna.does(204, "PATCH", "/todos/3", `{"isComplete":true}`)
	anna.does(204, "PUT", "/todos/3", `{"title":"Order steel again","tag":{"colour":"red"}}`)
	anna.does(204, "PUT", "/todos/3", `{"title":"Order steel again","tag":{"colour":"red"}}`)
	anna.does(422, "PATCH", "/todos/3", `{"colour":"red"}`)
	anna.does(404, "PATCH", "/todos/99", `{"title":"?"}`)
	for i := range 4 { // two clients, one after the other
		anna.does(204, "PATCH", "/todos/3", fmt.Sprintf(`{"desc":"%d"}`, i))
		ole.does(204, "PATCH", "/todos/3", fmt.Sprintf(`{"tag":[%d]}`, i))
	}
	ole.does(204, "PATCH", "/todos/1", `{"isComplete":true}`)
	ole.does(204, "DELETE", "/todos/2", "")
	ole.does(404, "DELETE", "/todos/2", "")
	anna.does(200, "POST", "/todos", `{"title":"Rent a crane","isComplete":true}`)
	anna.does(204, "DELETE", "/todos/4", "")

	unsaid := watch(s.client(), a, s.todos) // a call that does not say which todos it changed
	unsaid.past = true
	unsaid.does(200, "PATCH", "/todos", `{"desc":"all of them"}`)

	events := s.events()
	compare(t, a, events, nil, "todo.completed", "todo.gap")
	if n := count(events, "todo.gap"); n != 1 {
		t.Errorf("1 call changed many todos at once, and todo.gap came %d times", n)
	}
	if n := count(events, "todo.completed"); n != 3 {
		t.Errorf("3 todos were completed, and todo.completed came %d times", n)
	}
}

func startLoopBack(t *testing.T) *stage {
	t.Helper()
	program := filepath.Join(installNPM(t, "loopback"), "node_modules/@loopback/example-todo/dist/index.js")
	dir, port := t.TempDir(), freePorts(t, 1)[0]
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	app := "http://127.0.0.1:" + port
	start(t, dir, app+"/todos", []string{"HOST=127.0.0.1", "PORT=" + port}, "node", program)
	return behind(t, recipe("loopback"), app)
}

// todos reads all todos from LoopBack.
func (s *stage) todos() map[string]string {
	s.t.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(s.direct().does(200, "GET", "/todos", "")), &list); err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	for _, body := range list {
		all["todo/"+field(s.t, string(body), "id")] = string(body)
	}
	return all
}
