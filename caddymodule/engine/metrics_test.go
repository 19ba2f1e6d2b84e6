package engine

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/caddymodule/metrics"
)

// docs/alerts.md names every metric, and none that is not there.
func TestTheDocsNameEveryMetric(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	if err := RegisterMetrics(reg); err != nil {
		t.Fatal(err)
	}
	if err := RegisterMetrics(reg); err != nil {
		t.Errorf("a second handler's registration: %v", err)
	}
	if _, err := reg.Gather(); err != nil {
		t.Errorf("gather: %v", err)
	}
	text, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, name := range regexp.MustCompile(`sidehook_[a-z_]+`).FindAllString(string(text), -1) {
		documented = append(documented, name)
	}
	slices.Sort(documented)
	documented = slices.Compact(documented)
	if have := described(t); !slices.Equal(have, documented) {
		t.Errorf("there are %v\nand the docs name %v", have, documented)
	}
}

// described returns the names of all metrics.
func described(t *testing.T) []string {
	t.Helper()
	ch := make(chan *prometheus.Desc, 100)
	for _, c := range []prometheus.Collector{metrics.Process, engineCollector{}} {
		c.Describe(ch)
	}
	close(ch)
	var names []string
	for d := range ch {
		names = append(names, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	slices.Sort(names)
	return names
}
