package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/receiver"
)

// play tells the story on s. It returns an error at the first call that is
// answered wrongly or webhook that does not come, and judges the whole at the end.
func play(s *stage, out io.Writer) error {
	fmt.Fprintf(out, "An API that knows nothing of webhooks, Sidehook in front of it, two receivers that verify\n"+
		"signatures. A quarter of an hour of its traffic:\n")
	began := time.Now()
	down := map[string][]want{} // what receivers that are down are owed
	for i, step := range story {
		s.played = i + 1
		if step.say != "" {
			fmt.Fprintf(out, "\n%s  %s\n", step.clock, step.say)
		}
		if step.do != nil {
			if err := step.do(s); err != nil {
				return err
			}
		}
		if step.method != "" {
			if err := s.call(step, out); err != nil {
				return err
			}
		}
		for _, w := range step.want {
			if s.isDown[w.to] {
				down[w.to] = append(down[w.to], w)
				fmt.Fprintf(out, "         … %-8s is down, and is owed %s\n", w.to, w.scope)
				continue
			}
			if err := s.expect(w, out); err != nil {
				return err
			}
		}
		for name, owed := range down {
			for ; !s.isDown[name] && len(owed) > 0; owed = owed[1:] {
				if err := s.expect(owed[0], out); err != nil {
					return err
				}
			}
			down[name] = owed
		}
	}
	return judge(s, time.Since(began), out)
}

// call makes the step's call through Sidehook and prints it.
func (s *stage) call(step step, out io.Writer) error {
	req, err := http.NewRequest(step.method, s.site+step.path, strings.NewReader(step.body))
	if err != nil {
		return err
	}
	if step.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Fprintf(out, "       %s\n         = %s\n", strings.TrimSpace(step.method+" "+step.path+" "+short(step.body)), resp.Status)
	if err == nil && resp.StatusCode != step.status {
		err = fmt.Errorf("%s %s answered %s, not %d: %s", step.method, step.path, resp.Status, step.status, answer)
	}
	return err
}

// expect waits until w has arrived, and prints it.
func (s *stage) expect(w want, out io.Writer) error {
	a, err := await(s.receivers[w.to], patience, func(a receiver.Arrival) bool { return a.Accepted() && w.is(a) })
	if err != nil {
		return fmt.Errorf("%s did not get what it should: %w\n%s", w.to, err, s.difference())
	}
	line := fmt.Sprintf("         → %-8s %-22s %s", w.to, w.scope, w.subject)
	if a.Attempt > 1 {
		line += fmt.Sprintf("  (attempt %d)", a.Attempt)
	}
	fmt.Fprintln(out, line)
	for _, change := range changes(a) {
		fmt.Fprintf(out, "                    %s\n", change)
	}
	if strings.HasSuffix(w.scope, ".deleted") {
		fmt.Fprintf(out, "                    it was %s\n", short(string(a.Event.Data)))
	}
	return nil
}

// recover brings a receiver up again, once it has refused a few attempts.
func (s *stage) recover(name string, refusals int) error {
	refused := 0
	_, err := await(s.receivers[name], patience, func(a receiver.Arrival) bool {
		if !a.Accepted() {
			refused++
		}
		return refused >= refusals
	})
	if err != nil {
		return fmt.Errorf("%s refused %d attempts, fewer than %d: %w", name, refused, refusals, err)
	}
	s.setDown(name, false)
	return nil
}

// setDown makes a receiver refuse everything, or nothing.
func (s *stage) setDown(name string, down bool) {
	s.isDown[name] = down
	if down {
		s.receivers[name].Fail(-1)
	} else {
		s.receivers[name].Fail(0)
	}
}

// await returns the first arrival that wanted holds for, in order of arrival;
// each is asked about once.
func await(r *receiver.Receiver, patience time.Duration, wanted func(receiver.Arrival) bool) (receiver.Arrival, error) {
	timeout := time.After(patience)
	for seen := 0; ; {
		arrivals, more := r.Arrivals()
		if i := slices.IndexFunc(arrivals[seen:], wanted); i >= 0 {
			return arrivals[seen+i], nil
		}
		seen = len(arrivals)
		select {
		case <-more:
		case <-timeout:
			return receiver.Arrival{}, fmt.Errorf("nothing more came in %s", patience)
		}
	}
}

// settled waits until Sidehook owes nothing more, and returns how many events
// it recorded.
func (s *stage) settled() (events int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		h, err := s.health(ctx)
		if err != nil {
			return 0, err
		}
		if h.Pending == 0 {
			return h.Events, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("%d deliveries are still owed", h.Pending)
		}
	}
}

// health is what the demo reads of the health endpoint.
type health struct {
	Status  string `json:"status"`
	Events  int    `json:"events"`
	Pending int    `json:"pending"`
}

func (s *stage) health(ctx context.Context) (h health, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+"/sidehook/health", nil)
	if err != nil {
		return h, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil || resp.StatusCode != http.StatusOK {
		return h, fmt.Errorf("the health endpoint answered %s, status %q", resp.Status, h.Status)
	}
	return h, nil
}

// short cuts a body to what fits on a line.
func short(body string) string {
	if runes := []rune(body); len(runes) > 90 {
		return string(runes[:89]) + "…"
	}
	return body
}
