package hosts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// JSON Server compresses its answers, answers a delete with an empty object,
// takes ids from clients and methods from a header, and shows its whole database.
func TestJSONServer(t *testing.T) {
	only(t, "json-server")
	s, a := startJSONServer(t, recipe("json-server")), account{}
	past, anna, ole := watch(s.direct(), a, s.entities), watch(s.client(), a, s.entities), watch(s.client("X-Client", "ole"), a, s.entities)
	past.past = true
	past.look(t)
	long := strings.Repeat("long enough to be compressed ", 100)

	past.does(201, "POST", "/posts", `{"id":"seed-1","title":"old"}`)
	past.does(201, "POST", "/posts", `{"id":"seed-2","title":"older"}`)

	anna.does(201, "POST", "/posts", `{"id":1,"title":"Roof","text":"`+long+`","tags":["a","b"]}`)
	anna.does(201, "POST", "/posts", `{"id":"hall/2 b","title":"Hall","n":9007199254740991}`)
	anna.does(500, "POST", "/posts", `{"id":"hall/2 b","title":"a second one"}`)
	wantGzip(t, s.site+"/posts/1")
	anna.does(200, "PATCH", "/posts/1", `{"text":"`+long+long+`"}`)
	anna.does(200, "PATCH", "/posts/1", `{"tags":["a","b"]}`) // nothing new
	anna.does(200, "PUT", "/posts/1", `{"title":"Roof, hall 2","text":"`+long+`","n":null}`)
	anna.does(200, "PUT", "/posts/1", `{"title":"Roof, hall 2"}`)
	anna.does(404, "PATCH", "/posts/99", `{"title":"?"}`)
	anna.does(404, "PUT", "/posts/99", `{"title":"?"}`)
	for i := range 3 { // two clients, one after the other
		anna.does(200, "PATCH", "/posts/hall%2F2%20b", fmt.Sprintf(`{"n":%d}`, i))
		ole.does(200, "PUT", "/posts/hall%2F2%20b", fmt.Sprintf(`{"title":"Hall","n":%d.5,"by":{"ole":%d}}`, i, i))
	}
	ole.does(200, "POST", "/posts/1", `{"by":"ole"}`, "X-HTTP-Method-Override", "PATCH")
	ole.does(200, "PATCH", "/posts/seed-1", `{"title":"newer"}`)
	ole.does(200, "PATCH", "/posts/seed-1", `{"title":"newer"}`)
	ole.does(200, "DELETE", "/posts/seed-2", "")
	ole.does(404, "DELETE", "/posts/seed-2", "")

	anna.does(201, "POST", "/posts/1/comments", `{"text":"below a post"}`)
	anna.does(201, "POST", "/comments", `{"id":7,"text":"`+long+`"}`)
	anna.does(200, "PATCH", "/comments/7", `{"text":"short"}`)
	ole.does(200, "POST", "/comments/7", "", "X-HTTP-Method-Override", "DELETE")
	anna.does(200, "PATCH", "/theme", `{"colour":"red"}`)
	anna.does(200, "PUT", "/theme", `{"dark":true}`)
	anna.does(201, "POST", "/theme", `{"dark":false}`)
	anna.does(200, "DELETE", "/posts/hall%2F2%20b", "")
	anna.does(201, "POST", "/posts", `{"id":"hall/2 b","title":"Hall again"}`)

	compare(t, a, s.events(), nil)
}

func startJSONServer(t *testing.T, config string) *stage {
	t.Helper()
	program := filepath.Join(installNPM(t, "json-server"), "node_modules/json-server/lib/cli/bin.js")
	dir, port := t.TempDir(), freePorts(t, 1)[0]
	database := filepath.Join(dir, "db.json")
	if err := os.WriteFile(database, []byte(`{"posts":[],"comments":[],"theme":{"dark":false,"font":"serif"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	app := "http://127.0.0.1:" + port
	start(t, dir, app+"/db", nil, "node", program, "--host", "127.0.0.1", "--port", port, "--quiet", database)
	return behind(t, config, app)
}

// entities reads JSON Server's whole database.
func (s *stage) entities() map[string]string {
	s.t.Helper()
	var db struct {
		Posts, Comments []json.RawMessage
		Theme           json.RawMessage
	}
	data := s.direct().does(200, "GET", "/db", "")
	if err := json.Unmarshal([]byte(data), &db); err != nil {
		s.t.Fatalf("%v: %s", err, data)
	}
	all := map[string]string{"theme/": string(db.Theme)}
	for kind, list := range map[string][]json.RawMessage{"post/": db.Posts, "comment/": db.Comments} {
		for _, body := range list {
			all[kind+field(s.t, string(body), "id")] = string(body)
		}
	}
	return all
}

// wantGzip fails the test unless the application compresses what is at url.
func wantGzip(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url) // which asks for gzip, and unpacks it
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if !resp.Uncompressed {
		t.Errorf("GET %s was answered without gzip", url)
	}
}
