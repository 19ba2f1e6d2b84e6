package deliver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Queue gives out deliveries; see store.Queue for what each method promises.
// The slice that Claim returns belongs to the caller.
type Queue interface {
	Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) ([]webhook.Delivery, time.Time, error)
	Settle(ctx context.Context, s ...webhook.Settlement) error
	Unclaim(ids ...webhook.DeliveryID)
	Awaited(id webhook.DeliveryID) bool
	Waiting() <-chan map[webhook.SubscriptionID]bool
}

// Releaser is a [Queue] in which deliveries are held; see store.Queue.
type Releaser interface {
	Release(ctx context.Context, sub webhook.SubscriptionID, now time.Time) (int, error)
}

// ErrNotNow is wrapped by errors of a [Renderer] that may not come again, such
// as a store that cannot be read: the attempt has failed, and another follows.
var ErrNotNow = errors.New("not now")

// Renderer says what one delivery sends, or why it is withheld. An error that
// does not wrap ErrNotNow means that we cannot, and that trying again would not
// help: the delivery is dead.
type Renderer interface {
	Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error)
}

// States keeps what a subscription's past left behind, durably.
type States interface {
	PutState(ctx context.Context, s webhook.SubscriptionState) (webhook.SubscriptionState, error)
}

// Observer hears what happens, for metrics and logs. Its methods are called
// from many goroutines, must be quick, and must not keep or change what they
// are given.
type Observer interface {
	// Attempted is called after each attempt, before it is recorded. What is
	// withheld is no attempt.
	Attempted(s *webhook.Subscription, d *webhook.Delivery, a *webhook.Attempt)
	// Settled is called when it is durable that a delivery is final, or held.
	Settled(s *webhook.Subscription, d *webhook.Delivery)
	// StateChanged is called when a subscription's status has changed.
	StateChanged(s *webhook.Subscription, st webhook.SubscriptionState)
	// CircuitChanged is called when an attempt has opened a subscription's
	// circuit that was closed, or closed it.
	CircuitChanged(s *webhook.Subscription, st webhook.SubscriptionState)
}

// Options is what a [Deliverer] is made of. Queue, Renderer and States are
// required.
type Options struct {
	Queue    Queue
	Renderer Renderer
	States   States
	Observer Observer     // nil: nobody
	Log      *slog.Logger // nil: nothing is logged

	Version  string        // of Sidehook, as user-agent says it; default dev
	InFlight int           // attempts at once, over all subscriptions; default 256
	Bytes    int           // of events in attempts at once, over all subscriptions; default 64 MiB
	Drain    time.Duration // how long attempts may go on when Run's ctx ends; default 4 s

	// Newest returns the position of the newest event. What a subscription was
	// owed up to there stays held when one that was gone or disabled is
	// resumed. nil: resuming holds nothing.
	Newest func(ctx context.Context) (uint64, error)

	// Reached is how far the clock had come before the start: what was due then is due,
	// and waits that were begun go on, also if the machine's was set back since.
	// KeepClock makes durable how far it has come, before anything that was dated by it
	// is; nil: nothing does.
	Reached   time.Time
	KeepClock func(ctx context.Context, reached time.Time) error

	// Transport makes the requests in place of the package's own, for tests.
	Transport http.RoundTripper
}

// Defaults of [Options] and of subscriptions that leave a setting zero.
const (
	defaultInFlight    = 256
	defaultBytes       = 64 << 20
	defaultDrain       = 4 * time.Second
	defaultTimeout     = 10 * time.Second
	defaultConcurrency = 8
)

// Deliverer delivers. Make one with [New], give it subscriptions with
// [Deliverer.Configure], and let [Deliverer.Run] run. All methods are safe for
// concurrent use.
type Deliverer struct {
	opts       Options
	transports *transports
	log        *periodic
	clock      clock

	mu     sync.Mutex // guards roster and crew
	roster roster
	crew   crew

	wake chan struct{} // to the dispatcher: something asks, or a wait was set

	// recording is held while states are written, so that what is written last
	// is what memory says. It is taken before mu.
	recording sync.Mutex
	settler   settler
}

// New returns a Deliverer without subscriptions.
func New(opts Options) *Deliverer {
	if opts.InFlight <= 0 {
		opts.InFlight = defaultInFlight
	}
	if opts.Bytes <= 0 {
		opts.Bytes = defaultBytes
	}
	if opts.Drain <= 0 {
		opts.Drain = defaultDrain
	}
	if opts.Version == "" {
		opts.Version = "dev"
	}
	if opts.Observer == nil {
		opts.Observer = nobody{}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d := &Deliverer{
		opts:       opts,
		transports: newTransports(opts),
		log:        &periodic{log: opts.Log},
		wake:       make(chan struct{}, 1),
	}
	if opts.KeepClock == nil {
		d.opts.KeepClock = func(context.Context, time.Time) error { return nil }
	}
	d.clock.at, d.clock.read = opts.Reached, time.Now()
	d.roster.init(opts.InFlight, opts.Bytes)
	d.crew.init(&d.mu, opts.InFlight)
	d.settler.init()
	return d
}

// nobody is the Observer that does nothing.
type nobody struct{}

func (nobody) Attempted(*webhook.Subscription, *webhook.Delivery, *webhook.Attempt) {}
func (nobody) Settled(*webhook.Subscription, *webhook.Delivery)                     {}
func (nobody) StateChanged(*webhook.Subscription, webhook.SubscriptionState)        {}
func (nobody) CircuitChanged(*webhook.Subscription, webhook.SubscriptionState)      {}

// poke fills a channel of one without waiting.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
