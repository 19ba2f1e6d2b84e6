package deliver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

const sinkEnv = "SIDEHOOK_TEST_SINK"

// TestMain makes the test binary a sink if it is started as one: the benchmark
// measures the CPU of delivering without that of receiving.
func TestMain(m *testing.M) {
	if os.Getenv(sinkEnv) == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
}

// startSink returns the URL of a sink in a process of its own.
func startSink(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sinkEnv+"=1", "GOMAXPROCS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// endless is a queue that owes each subscription its share of n deliveries.
type endless struct {
	mu      sync.Mutex
	left    map[webhook.SubscriptionID]int
	next    int
	settled int
	total   int
	done    chan struct{}
}

func (q *endless) Claim(_ context.Context, sub webhook.SubscriptionID, _ uint64, now time.Time, max int) ([]webhook.Delivery, time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(max, q.left[sub])
	q.left[sub] -= n
	ds := make([]webhook.Delivery, n)
	for i := range ds {
		q.next++
		id := fmt.Sprintf("%026d", q.next)
		ds[i] = webhook.Delivery{ID: webhook.DeliveryID("dlv_" + id), Event: webhook.EventID("evt_" + id), Subscription: sub, State: webhook.Pending}
	}
	return ds, time.Time{}, nil
}

func (q *endless) Settle(_ context.Context, ss ...webhook.Settlement) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range ss {
		if s.Attempt.Outcome != webhook.Accepted {
			return fmt.Errorf("attempt: %s", s.Attempt.Why())
		}
	}
	if q.settled += len(ss); q.settled == q.total {
		close(q.done)
	}
	return nil
}

func (q *endless) Unclaim(...webhook.DeliveryID)                   {}
func (q *endless) Awaited(webhook.DeliveryID) bool                 { return false }
func (q *endless) Waiting() <-chan map[webhook.SubscriptionID]bool { return nil }
func (q *endless) PutState(_ context.Context, s webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	return s, nil
}

// constant renders one body, as the rendering is not what is measured.
type constant struct{ body []byte }

func (c constant) Render(_ context.Context, d *webhook.Delivery, _ *webhook.Subscription) (webhook.Payload, error) {
	return webhook.Payload{ID: string(d.Event), ContentType: "application/json", Body: c.body}, nil
}

// BenchmarkDeliver sends bodies of 1 KB, signed, to a sink in another process.
// cpu-µs/op is that of delivering alone.
func BenchmarkDeliver(b *testing.B) {
	for _, subs := range []int{1, 8} {
		b.Run(fmt.Sprintf("subscriptions=%d", subs), func(b *testing.B) {
			url := startSink(b)
			q := &endless{left: map[webhook.SubscriptionID]int{}, total: b.N, done: make(chan struct{})}
			d := deliver.New(deliver.Options{Queue: q, States: q, Renderer: constant{make([]byte, 1024)}})
			var all []*webhook.Subscription
			for i := range subs {
				s := subscribe(webhook.SubscriptionID(fmt.Sprint("s", i)), url)
				all = append(all, s)
				q.left[s.ID] = b.N / subs
			}
			q.left["s0"] += b.N % subs
			if err := d.Configure(all, nil); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ran := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu()
			go func() { ran <- d.Run(ctx) }()
			<-q.done
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.StopTimer()
			cancel()
			if err := <-ran; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func cpu() time.Duration {
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
